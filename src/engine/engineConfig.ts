import { z } from "zod";
import { withEffects } from "../config/effect.ts";
import { eagerKinds } from "./eager/backends.ts";
import { providerNames } from "./onnx/provider.ts";
import { precisions } from "./precision.ts";
import { executorNames } from "./runtime/executors.ts";
import { kernelChoices } from "./runtime/onnxEngine.ts";

export const engineKinds = ["onnx", ...eagerKinds] as const;
export type EngineKind = (typeof engineKinds)[number];

export const engineSchema = withEffects(
  z.strictObject({
    kind: z
      .enum(engineKinds)
      .default("onnx")
      .describe(
        "What computes. onnx: compiled programs on ONNX Runtime, fastest and installed from npm alone. The others run operation by operation on a tfjs backend, for debugging: tensorflow (native, where tfjs-node or `kinema engine install tensorflow` brought it), wasm, cpu (plain JavaScript).",
      ),
    provider: z
      .enum(providerNames)
      .default("cpu")
      .describe(
        "What the onnx engine computes on. cpu: the processors, there on every machine. webgpu: any GPU, through Vulkan, Metal or Direct3D. cuda: NVIDIA's, when ONNX Runtime's CUDA library is found. On a GPU the run's whole state stays there.",
      ),
    precision: z
      .enum(precisions)
      .default("f32")
      .describe(
        "Of matrix products and convolutions; weights, norms, softmax and sums are always f32. f32: the same losses on every engine. f16, bf16: faster and half the memory where the GPU has them; f16 with dynamic loss scaling. tf32: f32 storage, 10 bits of mantissa in products. webgpu has f32 and f16, cuda all; cpu f32, and f16 to try out what it does to a recipe.",
      ),
    strict: z
      .boolean()
      .default(false)
      .describe(
        "Refuse programs of which a GPU cannot compute every operation. Off: the processors compute those, which is told and slow.",
      ),
    cudaLibrary: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Path of ONNX Runtime's CUDA provider library (libonnxruntime_providers_cuda.so, onnxruntime_providers_cuda.dll). Not given: beside the library inside onnxruntime-node.",
      ),
    threads: z
      .union([z.literal("auto"), z.int().min(1).max(1024)])
      .default("auto")
      .describe("Threads of one run of the onnx engine; the others take what they want. auto: one for each processor."),
    spin: z
      .boolean()
      .default(true)
      .describe(
        "Let threads of the onnx engine wait busily between operations. On: 1.5 to 1.9 times as fast on an idle machine; turn it off where other work needs the processors.",
      ),
    executor: z
      .enum(["auto", ...executorNames])
      .default("auto")
      .describe(
        "How the onnx engine calls ONNX Runtime. c: its C API, faster and half the memory, and the only way to a GPU. js: its JavaScript API. auto: c where it loads, else js.",
      ),
    kernels: z
      .enum(kernelChoices)
      .default("auto")
      .describe(
        "What the onnx engine computes products and elementwise chains with on processors. native: machine code made for each shape, about 1.4 times as fast for a small DiT; needs Linux, AVX2 with FMA or AVX-512, and executor c. ort: ONNX Runtime's own kernels. auto: native where it runs, else ort.",
      ),
    cache: z
      .boolean()
      .default(true)
      .describe(
        "Keep the onnx engine's compiled programs for processors in the user's cache folder ($KINEMA_CACHE, else ~/.cache/kinema), so that the next start is quicker. At most 256 MB.",
      ),
  }),
  [
    { key: "provider", needs: ({ kind }) => kind === "onnx", why: "only kind onnx reads it" },
    { key: "precision", needs: ({ kind }) => kind === "onnx", why: "only kind onnx reads it" },
    {
      key: "strict",
      needs: ({ kind, provider }) => kind === "onnx" && provider !== "cpu",
      why: "only programs on a GPU can be refused",
    },
    {
      key: "cudaLibrary",
      needs: ({ kind, provider }) => kind === "onnx" && provider === "cuda",
      why: "only provider cuda reads it",
    },
  ],
);
export type EngineConfig = z.output<typeof engineSchema>;
