import type { DeviceName } from "../onnx/provider.ts";
import type { Adapter } from "./adapter.ts";
import type { Executor } from "./executor.ts";
import type { PoolOptions } from "./ortEnvironment.ts";
import type { DeviceOptions } from "./provider.ts";

export const executorNames = ["c", "js"] as const;
export type ExecutorName = (typeof executorNames)[number];

/** Makes an executor; `spin` as in `PoolOptions`, default false. @throws Error when it cannot work on this machine. */
export type ExecutorFactory = (threads: number, spin?: boolean) => Promise<Executor>;

/** All executors. Each one's module, and with it its native library, loads on first use. */
export const executorFactories: Readonly<Record<ExecutorName, ExecutorFactory>> = {
  c: async (threads, spin = false) => new (await import("./ortC.ts")).OrtC({ threads, spin }),
  js: async (threads, spin = false) => new (await import("./ortJs.ts")).OrtJs({ threads, spin }),
};

/** Whether an executor works here: its ONNX Runtime's version, or the reason why not. */
export type Probe = { readonly version: string } | { readonly reason: string };

/** Tries an executor out. */
export async function probeExecutor(name: ExecutorName): Promise<Probe> {
  try {
    const executor = await executorFactories[name](1);
    await executor.dispose();
    return { version: executor.version };
  } catch (error) {
    return { reason: firstLine(error) };
  }
}

/** Whether a device works here: as `Probe`, with the devices that ONNX Runtime itself tells of. */
export async function probeDevice(name: DeviceName): Promise<Probe & { readonly adapters?: readonly Adapter[] }> {
  try {
    const { OrtC } = await import("./ortC.ts");
    const executor = new OrtC({ threads: 1, spin: false }, { name, tf32: false });
    const { version, adapters } = executor;
    await executor.dispose();
    return { version, adapters };
  } catch (error) {
    return { reason: firstLine(error) };
  }
}

/**
 * The executor asked for; `auto` is `c` where it works, else `js`. A device can be had through the C API only.
 * @throws Error telling why there is none.
 */
export async function openExecutor(
  choice: ExecutorName | "auto",
  { threads, spin }: PoolOptions,
  device?: DeviceOptions,
): Promise<Executor> {
  if (device !== undefined) return new (await import("./ortC.ts")).OrtC({ threads, spin }, device);
  if (choice !== "auto") return executorFactories[choice](threads, spin);
  const reasons: string[] = [];
  for (const name of executorNames) {
    try {
      return await executorFactories[name](threads, spin);
    } catch (error) {
      reasons.push(`${name}: ${firstLine(error)}`);
    }
  }
  throw new Error(`ONNX Runtime does not load: ${reasons.join("; ")}`);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
