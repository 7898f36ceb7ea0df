/** What ONNX Runtime computes on: processors, any GPU through WebGPU, NVIDIA's through CUDA. */
export const providerNames = ["cpu", "webgpu", "cuda"] as const;
export type ProviderName = (typeof providerNames)[number];
/** Those with a memory of their own. */
export type DeviceName = Exclude<ProviderName, "cpu">;
