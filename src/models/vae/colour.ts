/** Half the range of a byte: [0, 255] <-> [-1, 1]. */
const HALF_RANGE = 127.5;

/** Bytes of colour to [-1, 1], into `out`. */
export function toSigned(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < bytes.length; i++) out[i] = (bytes[i] as number) / HALF_RANGE - 1;
}

/** [-1, 1] to bytes of colour, rounded; what lies outside is clipped. */
export function toBytes(signed: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(signed.length);
  for (let i = 0; i < signed.length; i++) bytes[i] = ((signed[i] as number) + 1) * HALF_RANGE;
  return new Uint8Array(bytes.buffer);
}
