import { eagerKinds, loadBackend } from "./eager/backends.ts";
import { openBuild, verifyBuild } from "./eager/tensorflowBuild.ts";
import type { EngineKind } from "./engineConfig.ts";
import { kernelIsas, whyNoKernels } from "./native/support.ts";
import { type DeviceName, type ProviderName, providerNames } from "./onnx/provider.ts";
import type { Adapter } from "./runtime/adapter.ts";
import { executorNames, probeDevice, probeExecutor } from "./runtime/executors.ts";
import { listVulkanDevices } from "./runtime/vulkan.ts";

/** An engine, and whether it can run here. */
export interface EngineListing {
  readonly kind: EngineKind;
  /** Of the onnx engine: what it computes on. */
  readonly provider?: ProviderName;
  /** How it is called or where it comes from: `onnxruntime-node, C API`, `@tensorflow/tfjs`. */
  readonly through: string;
  /** Version of what computes; undefined when it does not load. */
  readonly version: string | undefined;
  /** Where it was installed by `kinema engine install`. */
  readonly folder?: string;
  /** Devices that it finds, the one that it takes first; where they can be listed. */
  readonly adapters?: readonly Adapter[];
  /** Why they cannot be listed. */
  readonly adaptersUnknown?: string;
  /** Why it cannot run here. */
  readonly reason: string | undefined;
}

/** Tries every engine out. @param options.verify also compares the hash of every installed file. */
export async function listEngines({ verify = false } = {}): Promise<EngineListing[]> {
  const listings: EngineListing[] = [];
  for (const name of executorNames) {
    const probe = await probeExecutor(name);
    const through = name === "c" ? `onnxruntime-node, C API, ${kernelsHere()}` : "onnxruntime-node, JavaScript API";
    listings.push({ kind: "onnx", provider: "cpu", through, version: undefined, reason: undefined, ...probe });
  }
  for (const provider of providerNames) if (provider !== "cpu") listings.push(await listDevice(provider));
  for (const kind of eagerKinds) {
    try {
      const { packageName, ...found } = await loadBackend(kind);
      if (verify && found.folder !== undefined) await verifyBuild(openBuild(found.folder));
      listings.push({ kind, through: packageName, ...found, reason: undefined });
    } catch (error) {
      listings.push({ kind, through: "tfjs", version: undefined, reason: messageOf(error) });
    }
  }
  return listings;
}

async function listDevice(provider: DeviceName): Promise<EngineListing> {
  const { adapters, ...probe } = await probeDevice(provider);
  const through = `onnxruntime-node, ${provider === "webgpu" ? "WebGPU" : "CUDA"}`;
  const listing = { kind: "onnx", provider, through, version: undefined, reason: undefined, ...probe } as const;
  if (listing.reason !== undefined) return listing;
  return { ...listing, ...(provider === "webgpu" ? vulkanAdapters() : { adapters: adapters ?? [] }) };
}

function vulkanAdapters(): Pick<EngineListing, "adapters" | "adaptersUnknown"> {
  try {
    return { adapters: listVulkanDevices() };
  } catch (error) {
    return { adaptersUnknown: messageOf(error) };
  }
}

function kernelsHere(): string {
  const [isa] = kernelIsas();
  return isa === undefined ? `no native kernels (${whyNoKernels()})` : `native kernels (${isa.title})`;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
