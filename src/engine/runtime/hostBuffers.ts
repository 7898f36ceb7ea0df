import { allocate, type DType, type HostTensor, sizeOf } from "../../base/tensors.ts";
import type { DeviceTensor, EngineMap, EngineMemory, HostMap, Signature } from "../engine.ts";

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const satisfies Record<DType, unknown>;

/** Memory of engines whose programs work on host tensors where they lie. */
export const hostMemory: EngineMemory = {
  memory: "host",
  place: async (tensors) => tensors,
  fetch: async (tensors) => onlyHost(tensors),
  release: () => {},
  transfers: { uploads: 0, uploadedBytes: 0, downloads: 0, downloadedBytes: 0, uploadMs: 0 },
  deviceUse: undefined,
};

export function isHost(tensor: HostTensor | DeviceTensor): tensor is HostTensor {
  return "data" in tensor;
}

/** Those of the tensors that lie in host memory. */
export function onlyHost(tensors: EngineMap): HostMap {
  return Object.fromEntries(Object.entries(tensors).filter((entry): entry is [string, HostTensor] => isHost(entry[1])));
}

/** What was given, and a zeroed tensor for every other of `specs`. */
export function completed<Given extends EngineMap>(specs: Signature, given: Given): Given & HostMap {
  const missing = Object.entries(specs).filter(([name]) => given[name] === undefined);
  return { ...Object.fromEntries(missing.map(([name, spec]) => [name, allocate(spec)])), ...given };
}

/**
 * The named tensors that `specs` asks for, each checked against its spec: native code writes over this memory.
 * @throws Error naming the program, the side and the tensor at fault.
 */
export function pickTensors(
  program: string,
  side: string,
  specs: Signature,
  map: EngineMap,
): [name: string, HostTensor | DeviceTensor][] {
  for (const name of Object.keys(map)) {
    if (specs[name] === undefined) {
      throw new Error(`${program}: it has no ${side} ${name}; it has ${Object.keys(specs).join(", ")}`);
    }
  }
  return Object.entries(specs).map(([name, spec]) => {
    const tensor = map[name];
    if (tensor === undefined) throw new Error(`${program}: ${side} ${name} is missing`);
    const got = describe(tensor.shape, tensor.dtype);
    const expected = describe(spec.shape, spec.dtype);
    if (got !== expected) throw new Error(`${program}: ${side} ${name}: expected ${expected}, got ${got}`);
    if (!isHost(tensor)) return [name, tensor];
    if (!(tensor.data instanceof arrays[spec.dtype]) || tensor.data.length !== sizeOf(spec.shape)) {
      const data = `${tensor.data.constructor.name} of ${tensor.data.length}`;
      throw new Error(`${program}: ${side} ${name}: expected data for ${expected}, got ${data}`);
    }
    return [name, tensor];
  });
}

/** The same for engines that compute in host memory. @throws Error also for a tensor of a device. */
export function pickHostTensors(
  program: string,
  side: string,
  specs: Signature,
  map: EngineMap,
): [name: string, HostTensor][] {
  return pickTensors(program, side, specs, map).map(([name, tensor]) => {
    if (!isHost(tensor))
      throw new Error(`${program}: ${side} ${name}: expected host memory, got a ${tensor.device} tensor`);
    return [name, tensor];
  });
}

function describe(shape: readonly number[], dtype: DType): string {
  return `${dtype} [${shape.join(", ")}]`;
}
