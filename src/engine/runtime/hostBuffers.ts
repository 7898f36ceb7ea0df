import type { DType, HostTensor } from "../../base/tensors.ts";
import { sizeOf } from "../../base/tensors.ts";
import type { HostMap, Signature } from "../engine.ts";

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const satisfies Record<DType, unknown>;

/** A zero-filled host tensor. */
export function allocate(shape: readonly number[], dtype: DType): HostTensor {
  return { shape, dtype, data: new arrays[dtype](sizeOf(shape)) };
}

/** A zero-filled host tensor for each of `specs`. */
export function allocateAll(specs: Signature): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(specs).map(([name, { shape, dtype }]) => [name, allocate(shape, dtype)]));
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
