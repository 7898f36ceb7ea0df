import { UserError } from "../base/errors.ts";
import type { ProviderName } from "./onnx/provider.ts";

/** Number formats of products and convolutions. */
export const precisions = ["f32", "tf32", "f16", "bf16"] as const;
export type Precision = (typeof precisions)[number];

const available: Readonly<Record<ProviderName, readonly Precision[]>> = {
  cpu: ["f32", "f16"],
  webgpu: ["f32", "f16"],
  cuda: precisions,
};

/** @throws UserError when a provider has no such products. */
export function checkPrecision(provider: ProviderName, precision: Precision): void {
  if (available[provider].includes(precision)) return;
  throw new UserError("engine.precision", {
    expected: `${available[provider].join(" or ")} with provider ${provider}`,
    got: precision,
  });
}
