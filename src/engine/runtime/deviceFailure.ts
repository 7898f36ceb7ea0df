import { UserError } from "../../base/errors.ts";
import type { ProviderName } from "../onnx/provider.ts";

/** What ONNX Runtime and the drivers below it say, and what it means to a user. First match wins. */
const failures: readonly { readonly says: RegExp; readonly means: string; readonly try: string }[] = [
  {
    says: /device (is |was |has been )?lost|lost device|DEVICE_LOST|Instance dropped|unspecified launch failure/i,
    means: "the device was lost",
    try: "the same command again; it goes on from the last checkpoint",
  },
  {
    // A buffer that a WebGPU device could not make is told of where it is first used: "Invalid Buffer".
    says: /out of memory|OUT_OF_(DEVICE|HOST)_MEMORY|Invalid Buffer|failed to allocate memory|exceeds the max (storage )?buffer/i,
    means: "the device's memory does not suffice",
    try: "a smaller packing.tokens, batch.pixels or train.lanes, or engine.precision=f16",
  },
  {
    says: /requires (f16|subgroups?|\S+) but the device does not support|(feature|extension) \S* ?(is|are) not (enabled|supported)/i,
    means: "the device lacks a feature that the program needs",
    try: "engine.precision=f32, or engine.provider=cpu",
  },
];

/** An error of a device as one line that says what happened and what to try. Others come back as they are. */
export function explainFailure(provider: ProviderName, error: unknown): unknown {
  if (provider === "cpu" || !(error instanceof Error) || error instanceof UserError) return error;
  const found = failures.find(({ says }) => says.test(error.message));
  if (found === undefined) return error;
  const said = (error.message.split("\n", 1)[0] ?? "").replace(/ONNX Runtime: .*Status Message: (\S+:\d+ \S+ )?/, "");
  return new UserError(`engine.provider ${provider}`, `${found.means} (${said}); try ${found.try}`);
}

/** Does work of a device, with its failures explained. */
export async function explained<T>(provider: ProviderName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainFailure(provider, error);
  }
}
