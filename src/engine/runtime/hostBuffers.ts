import { allocate, type DType, type HostTensor, sizeOf } from "../../base/tensors.ts";
import type { HostMap, Signature } from "../engine.ts";

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const satisfies Record<DType, unknown>;

/** What was given, and a zeroed tensor for every other of `specs`. */
export function completed(specs: Signature, given: HostMap): Record<string, HostTensor> {
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
  map: HostMap,
): [name: string, HostTensor][] {
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
    if (!(tensor.data instanceof arrays[spec.dtype]) || tensor.data.length !== sizeOf(spec.shape)) {
      const data = `${tensor.data.constructor.name} of ${tensor.data.length}`;
      throw new Error(`${program}: ${side} ${name}: expected data for ${expected}, got ${data}`);
    }
    return [name, tensor];
  });
}

function describe(shape: readonly number[], dtype: DType): string {
  return `${dtype} [${shape.join(", ")}]`;
}
