/** The element types of safetensors files, and how their bytes become host tensors. */
import { UserError } from "./errors.ts";
import type { DType, HostTensor } from "./tensors.ts";

interface StoredTypeFacts {
  /** Bytes of one element. */
  readonly bytes: number;
  /** What it becomes in host memory. */
  readonly dtype: DType;
  /** Elements of a buffer that holds nothing else. */
  readonly decode: (buffer: ArrayBuffer, where: string) => HostTensor["data"];
}

/** The types that are read. 64-bit floats are rounded; 64-bit integers must fit into 32 bits. */
export const storedTypes = {
  F64: { bytes: 8, dtype: "float32", decode: (buffer) => Float32Array.from(new Float64Array(buffer)) },
  F32: { bytes: 4, dtype: "float32", decode: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, dtype: "float32", decode: (buffer) => decodeHalves(new Uint16Array(buffer)) },
  BF16: { bytes: 2, dtype: "float32", decode: (buffer) => decodeBrainFloats(new Uint16Array(buffer)) },
  I64: { bytes: 8, dtype: "int32", decode: (buffer, where) => narrow(new BigInt64Array(buffer), where) },
  I32: { bytes: 4, dtype: "int32", decode: (buffer) => new Int32Array(buffer) },
  I16: { bytes: 2, dtype: "int32", decode: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  I8: { bytes: 1, dtype: "int32", decode: (buffer) => Int32Array.from(new Int8Array(buffer)) },
  U8: { bytes: 1, dtype: "int32", decode: (buffer) => Int32Array.from(new Uint8Array(buffer)) },
  BOOL: { bytes: 1, dtype: "bool", decode: (buffer, where) => checkBools(new Uint8Array(buffer), where) },
} as const satisfies Record<string, StoredTypeFacts>;

export type StoredType = keyof typeof storedTypes;

/** The type that a host tensor is stored as. */
export const typeOfHost = { float32: "F32", int32: "I32", bool: "BOOL" } as const satisfies Record<DType, StoredType>;

/** IEEE 754 binary16 -> binary32, exactly. */
function decodeHalves(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i += 1) {
    const half = halves[i] as number;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) floats[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) floats[i] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else floats[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return floats;
}

/** A bfloat16 is the upper half of a binary32. */
function decodeBrainFloats(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i += 1) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

function narrow(wide: BigInt64Array, where: string): Int32Array {
  return Int32Array.from(wide, (value) => {
    if (BigInt.asIntN(32, value) !== value)
      throw new UserError(where, { expected: "32-bit integers", got: `${value}` });
    return Number(value);
  });
}

function checkBools(bytes: Uint8Array, where: string): Uint8Array {
  const odd = bytes.find((byte) => byte > 1);
  if (odd !== undefined) throw new UserError(where, { expected: "booleans of 0 or 1", got: `${odd}` });
  return bytes;
}
