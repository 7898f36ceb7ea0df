import fc, { type Arbitrary } from "fast-check";

/** One change to some bytes: what kind, where, and with what. Each number is taken modulo what there is room for. */
type Edit = readonly [kind: number, place: number, size: number, value: number];

/** Numbers at which readers of offsets and lengths go wrong. */
const numbers = [
  0n,
  1n,
  7n,
  255n,
  2n ** 15n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  -1n,
  -8n,
];
const maxPiece = 64;

const edit: Arbitrary<Edit> = fc.tuple(fc.nat(8), fc.nat(), fc.nat(maxPiece), fc.nat());

/**
 * Inputs made of sound ones by one to six changes: bits flipped, bytes set, offsets replaced, pieces removed, doubled,
 * moved or cut off, and tokens of the format put in. They shrink to fewer changes.
 */
export function mutations(seeds: readonly Uint8Array[], tokens: readonly string[]): Arbitrary<Uint8Array> {
  const pieces = tokens.map((token) => Buffer.from(token));
  return fc
    .tuple(fc.nat(seeds.length - 1), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([seed, edits]) => edits.reduce((bytes, each) => change(bytes, each, pieces), seeds[seed] as Uint8Array));
}

function change(bytes: Uint8Array, [kind, place, size, value]: Edit, tokens: readonly Uint8Array[]): Uint8Array {
  const at = place % (bytes.length + 1);
  const end = Math.min(bytes.length, at + size);
  const from = value % (bytes.length + 1);
  const put = (...middle: Uint8Array[]) => Buffer.concat([bytes.subarray(0, at), ...middle, bytes.subarray(end)]);
  switch (kind) {
    case 0:
      return over(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (value % 8))));
    case 1:
      return over(bytes, at, Uint8Array.of(value));
    case 2:
      return over(bytes, at, integer(value, 4));
    case 3:
      return over(bytes, at - (at % 8), integer(value, 8));
    case 4:
      return put();
    case 5:
      return put(bytes.subarray(at, end), bytes.subarray(at, end));
    case 6:
      return put(bytes.subarray(from, from + size));
    case 7:
      return tokens.length === 0 ? bytes.subarray(0, at) : put(tokens[value % tokens.length] as Uint8Array);
    default:
      return value % 4 === 0 ? bytes.subarray(0, at) : over(bytes, at, bytes.subarray(from, from + size));
  }
}

/** `piece` in the place of as many bytes. */
function over(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed.set(piece.subarray(0, Math.max(0, bytes.length - at)), at);
  return changed;
}

function integer(value: number, bytes: 4 | 8): Uint8Array {
  const out = new DataView(new ArrayBuffer(8));
  out.setBigInt64(0, numbers[value % numbers.length] as bigint, true);
  return new Uint8Array(out.buffer, 0, bytes);
}
