import fc, { type Arbitrary } from "fast-check";
import { encodeHeader, parseHeader, prefixBytes, readHeaderLength } from "../../../src/base/safetensors.ts";
import { storedTypes } from "../../../src/base/safetensorsTypes.ts";
import { floats, type HostTensor, ints } from "../../../src/base/tensors.ts";
import { jsonChanges } from "../jsonChanges.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

const small: Record<string, HostTensor> = { w: floats([2, 3]), step: ints([]) };
const usual: Record<string, HostTensor> = {
  "blocks.0.attn.qkv.w": floats([4, 12]),
  "blocks.0.attn.qkv.b": floats([12]),
  mask: { shape: [5], dtype: "bool", data: new Uint8Array(5) },
  "12": ints([2, 1]),
  empty: floats([0, 4]),
};

const tokens = [
  ...['"__metadata__":{"a":"b"},', '"data_offsets":[0,0]', '"shape":[1,1]', '"dtype":"F64"', '"__proto__":', "[[[["],
  ...["-1", "1e999", "9007199254740993", "0.5", "null", '"w":{', "\\u0000", "\ufeff", "}", '"'],
];

/** Headers of safetensors files, and the numbers behind them. Bytes of the file are the header and the tensors. */
export function openSafetensors(): FuzzTarget {
  const files = [fileOf(small, {}), fileOf(usual, { part: "model", step: "7" })];
  return {
    name: "safetensors",
    runs: 1_000_000,
    slice: 20_000,
    inputs: fc.oneof(
      { weight: 3, arbitrary: mutations(files, tokens) },
      { weight: 1, arbitrary: changedHeaders(files) },
    ),
    read: (file) => {
      const bytes = readHeaderLength(file.subarray(0, prefixBytes), file.length, "f");
      const { tensors } = parseHeader(file.subarray(prefixBytes, prefixBytes + bytes), file.length, "f");
      const start = prefixBytes + bytes;
      for (const { name, type, shape, begin, end } of tensors) {
        const { data } = decode(type, file.slice(start + begin, start + end), name);
        const size = shape.reduce((product, side) => product * side, 1);
        if (data.length !== size) throw new Error(`${name}: ${data.length} values of ${size}`);
      }
    },
  };
}

function decode(type: keyof typeof storedTypes, bytes: Uint8Array, name: string) {
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return { data: storedTypes[type].decode(buffer, name) };
}

function fileOf(tensors: Record<string, HostTensor>, metadata: Record<string, string>): Uint8Array {
  const { bytes, order } = encodeHeader(tensors, metadata);
  const data = order.map((name) => {
    const { buffer, byteOffset, byteLength } = (tensors[name] as HostTensor).data;
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  return Buffer.concat([bytes, ...data]);
}

/** Headers that are JSON and have their right length. */
function changedHeaders(files: readonly Uint8Array[]): Arbitrary<Uint8Array> {
  const split = files.map((file) => {
    const end = prefixBytes + readHeaderLength(file, file.length, "seed");
    return { json: JSON.parse(Buffer.from(file.subarray(prefixBytes, end)).toString()), data: file.subarray(end) };
  });
  const [first, second] = split;
  return jsonChanges(split.map(({ json }) => json)).map((json) => {
    const text = Buffer.from(JSON.stringify(json) ?? "");
    const prefix = new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer);
    const data = text.length % 2 === 0 ? first?.data : second?.data;
    return Buffer.concat([prefix, text, data ?? new Uint8Array(0)]);
  });
}
