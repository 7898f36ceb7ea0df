import type { OrtEnvironment } from "./ortEnvironment.ts";
import type { Pointer } from "./ortLibrary.ts";

const hardwareTypes = ["cpu", "gpu", "npu"] as const;

/** A piece of hardware that one of ONNX Runtime's providers can use. */
export interface EpDevice {
  readonly at: Pointer;
  /** ONNX Runtime's name of the provider, e.g. `CUDAExecutionProvider`. */
  readonly providerName: string;
  readonly type: (typeof hardwareTypes)[number] | "unknown";
  readonly vendor: string;
  /** What the system tells of it, e.g. `Discrete`, `pci_bus_id`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Hardware that ONNX Runtime found, for the providers that it has loaded. */
export function findEpDevices({ library, env }: Pick<OrtEnvironment, "library" | "env">): EpDevice[] {
  return library.list("GetEpDevices", env).map((at) => {
    const hardware = library.tell("EpDevice_Device", at) as Pointer;
    return {
      at,
      providerName: String(library.tell("EpDevice_EpName", at)),
      type: hardwareTypes[Number(library.tell("HardwareDevice_Type", hardware))] ?? "unknown",
      vendor: String(library.tell("HardwareDevice_Vendor", hardware)),
      metadata: library.pairs(library.tell("HardwareDevice_Metadata", hardware) as Pointer),
    };
  });
}
