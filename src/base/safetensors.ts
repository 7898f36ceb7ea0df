/**
 * The header of a safetensors file: 8 bytes with its length (little-endian), JSON padded with spaces to a multiple of
 * 8, then the tensors' bytes end to end. Source: the format's page, github.com/huggingface/safetensors.
 * Everything that a header claims is checked before anything of that size is allocated.
 */
import { UserError } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "./json.ts";
import { type StoredType, storedTypes, typeOfHost } from "./safetensorsTypes.ts";
import type { HostTensor } from "./tensors.ts";

/** Where one tensor lies: bytes [begin, end) counted from the end of the header. */
export interface StoredTensor {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A checked header. Tensors stand in the order of their bytes, without gap or overlap. */
export interface SafetensorsHeader {
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes before the header's JSON. */
export const prefixBytes = 8;
/** Bounds on what a header may make a reader build, far above those of any model here. The format's own is 100 MB. */
const maxHeaderBytes = 16 << 20;
const maxTensors = 65_536;
const maxRank = 32;
const braceByte = 0x7b;

/**
 * Length of the JSON that follows the first 8 bytes.
 * @throws UserError when it cannot be the length of a header in a file of `fileBytes`.
 */
export function readHeaderLength(prefix: Uint8Array, fileBytes: number, where: string): number {
  if (fileBytes < prefixBytes || prefix.length < prefixBytes) throw damaged(where, `a file of ${fileBytes} bytes`);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  const most = Math.min(maxHeaderBytes, fileBytes - prefixBytes);
  if (length < 2n || length > BigInt(most))
    throw damaged(where, `a header of ${length} bytes in a file of ${fileBytes}`);
  return Number(length);
}

/** Reads and checks a header's JSON. @throws UserError naming the file and the first thing that is wrong. */
export function parseHeader(json: Uint8Array, fileBytes: number, where: string): SafetensorsHeader {
  // Every entry needs a brace of its own; so too many are seen before any is built.
  let numBraces = 0;
  for (const byte of json) if (byte === braceByte) numBraces += 1;
  if (numBraces > maxTensors + 2) throw damaged(where, `a header of more than ${maxTensors} tensors`);
  const header = parseJson(decodeText(json, where), where);
  if (!isJsonObject(header)) throw damaged(where, "a header that is no object");
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isJsonObject(metadata)) throw damaged(where, "__metadata__ that is no object");
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") throw damaged(where, `__metadata__.${key} that is no text`);
  }
  const tensors = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry, where));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of tensors) {
    if (begin < at) throw damaged(where, `${name} at byte ${begin}, over the tensor that ends at ${at}`);
    if (begin > at) throw damaged(where, `${name} at byte ${begin}, after a gap from ${at}`);
    at = end;
  }
  const dataBytes = fileBytes - prefixBytes - json.length;
  if (at !== dataBytes) throw damaged(where, `${dataBytes} bytes of data where the header tells of ${at}`);
  return { tensors, metadata: metadata as Readonly<Record<string, string>> };
}

/** A header for these tensors, and their names in the order their bytes must follow. */
export function encodeHeader(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): { readonly bytes: Uint8Array; readonly order: readonly string[] } {
  // Four-byte elements before one-byte ones, so that every tensor is aligned; then by name, as the Python package does.
  const rank = { float32: 0, int32: 1, bool: 2 };
  const order = Object.entries(tensors)
    .sort(([a, x], [b, y]) => rank[x.dtype] - rank[y.dtype] || (a < b ? -1 : 1))
    .map(([name]) => name);
  const entries: [string, JsonObject | Readonly<Record<string, string>>][] = [];
  if (Object.keys(metadata).length > 0) entries.push(["__metadata__", metadata]);
  let at = 0;
  for (const name of order) {
    const { dtype, shape, data } = tensors[name] as HostTensor;
    if (name === "__metadata__") throw new Error("a tensor cannot be named __metadata__");
    entries.push([name, { dtype: typeOfHost[dtype], shape, data_offsets: [at, at + data.byteLength] }]);
    at += data.byteLength;
  }
  // Not through an object: it would move names such as "12" to the front.
  const json = Buffer.from(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
  );
  const bytes = new Uint8Array(prefixBytes + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - prefixBytes), true);
  bytes.set(json, prefixBytes);
  return { bytes, order };
}

function parseEntry(name: string, entry: JsonValue, where: string): StoredTensor {
  if (!isJsonObject(entry)) throw damaged(where, `${name} that is no object`);
  const { dtype, shape, data_offsets: offsets, ...others } = entry;
  const [other] = Object.keys(others);
  if (other !== undefined) throw damaged(where, `${name} with an unknown key ${JSON.stringify(other)}`);
  if (!isStoredType(dtype)) {
    throw new UserError(where, {
      expected: `${name} to be one of ${Object.keys(storedTypes).join(", ")}`,
      got: JSON.stringify(dtype) ?? "no type",
    });
  }
  if (!isCounts(shape) || shape.length > maxRank) throw damaged(where, `${name} of shape ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2) throw damaged(where, `${name} at ${JSON.stringify(offsets)}`);
  const [begin = 0, end = 0] = offsets;
  const bytes = shape.reduce(
    (product, side) => (Number.isSafeInteger(product * side) ? product * side : Number.NaN),
    storedTypes[dtype].bytes as number,
  );
  if (end - begin !== bytes) {
    throw damaged(where, `${name} with ${end - begin} bytes for ${dtype} [${shape.join(", ")}]`);
  }
  return { name, type: dtype, shape, begin, end };
}

function isStoredType(value: JsonValue | undefined): value is StoredType {
  return typeof value === "string" && Object.hasOwn(storedTypes, value);
}

function isCounts(value: JsonValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0 && !Object.is(item, -0));
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(where, "a header that is no UTF-8");
  }
}

function damaged(where: string, got: string): UserError {
  return new UserError(where, { expected: "a sound safetensors file", got });
}
