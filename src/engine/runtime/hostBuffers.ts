import type { DType, HostTensor } from "../../base/tensors.ts";
import { sizeOf } from "../../base/tensors.ts";
import type { HostMap } from "../engine.ts";
import type { OnnxValue } from "../onnx/model.ts";

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const satisfies Record<DType, unknown>;

/** A zero-filled host tensor. */
export function allocate(shape: readonly number[], dtype: DType): HostTensor {
  return { shape, dtype, data: new arrays[dtype](sizeOf(shape)) };
}

/**
 * The named tensors that `values` asks for, each checked against its spec: native code writes over this memory.
 * @throws Error naming the program, the side and the tensor at fault.
 */
export function pickTensors(
  program: string,
  side: string,
  values: readonly OnnxValue[],
  map: HostMap,
): [name: string, HostTensor][] {
  const known = new Set(values.map(({ name }) => name));
  for (const name of Object.keys(map)) {
    if (!known.has(name)) throw new Error(`${program}: it has no ${side} ${name}; it has ${[...known].join(", ")}`);
  }
  return values.map(({ name, spec }) => {
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
