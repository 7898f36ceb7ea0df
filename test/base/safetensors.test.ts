import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import { sealOfFile, sha256 } from "../../src/base/hash.ts";
import { encodeHeader, parseHeader, readHeaderLength } from "../../src/base/safetensors.ts";
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from "../../src/base/safetensorsFile.ts";
import { floats, type HostTensor, ints } from "../../src/base/tensors.ts";

/** Made by test/goldens/make_safetensors.py with the Python package. */
const goldens = fileURLToPath(new URL("../goldens/safetensors", import.meta.url));

const tensors: Record<string, HostTensor> = {
  mask: { shape: [3], dtype: "bool", data: Uint8Array.of(1, 0, 1) },
  scalar: floats([], Float32Array.of(3.25)),
  "blocks.2.attn.w": floats([3], Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY)),
  "12": ints([1, 2], Int32Array.of(-1, 2 ** 31 - 1)),
  empty: floats([0, 4]),
  käse: ints([1], Int32Array.of(7)),
  // A view into the middle of a larger buffer, as parameters are.
  "blocks.10.attn.w": floats([2, 3], Float32Array.of(9, 9, 0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 9).subarray(2, 8)),
};

describe("safetensors", () => {
  let root: string;
  beforeEach(async () => {
    root = await fs.mkdtemp(join(tmpdir(), "kinema-safetensors-"));
  });
  afterEach(() => fs.rm(root, { recursive: true, force: true }));

  it("writes the bytes that the Python package writes", async () => {
    const path = join(root, "ours.safetensors");
    const seal = await writeSafetensors(path, tensors, { part: "model" });
    assert.deepEqual(await fs.readFile(path), await fs.readFile(join(goldens, "ours.safetensors")));
    assert.deepEqual(seal, await sealOfFile(path));
  });

  it("reads what it writes, with the hash of the file", async () => {
    const path = join(goldens, "ours.safetensors");
    const file = await readSafetensors(path);
    assert.deepEqual({ ...file.tensors }, tensors);
    assert.ok(Object.is(file.tensors["blocks.2.attn.w"]?.data[1], -0));
    assert.deepEqual(file.metadata, { part: "model" });
    assert.deepEqual({ bytes: file.bytes, sha256: file.sha256 }, await sealOfFile(path));
    assert.equal((await readSafetensorsHeader(path)).tensors.length, 7);
  });

  it("converts other element types as PyTorch does", async () => {
    const { tensors: read } = await readSafetensors(join(goldens, "others.safetensors"));
    const bits = (name: string) => [...new Uint32Array(floatsOf(read[name]).buffer)];
    assert.deepEqual(bits("f64"), [1036831949, 4286578688]);
    assert.deepEqual(bits("f16"), [1065353216, 3198853120, 1199562752, 864026624, 3095396352, 2139095040]);
    assert.deepEqual(bits("bf16"), [1065353216, 3226009600, 2123759616, 65536]);
    const numbers = (name: string) => [...(read[name]?.data ?? [])];
    assert.deepEqual(numbers("i64"), [-(2 ** 31), 2 ** 31 - 1, 5]);
    assert.deepEqual(
      [numbers("i16"), numbers("i8"), numbers("u8")],
      [
        [-32768, 32767],
        [-128, 127],
        [0, 255],
      ],
    );
    assert.deepEqual(read.u8?.dtype, "int32");
  });

  it("converts every half", async () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const path = await write({ a: entry("F16", [65536], 0, 131072) }, new Uint8Array(halves.buffer));
    const values = floatsOf((await readSafetensors(path)).tensors.a).map((x) => (Number.isNaN(x) ? 0 : x));
    const expected = "faa6d965574036872b0d39a42d1f8bee361d5be92b1e718155a69556a5abacdd";
    assert.equal(sha256(new Uint8Array(values.buffer)), expected);
  });

  it("keeps a tensor called __proto__ a tensor", async () => {
    const path = join(root, "x.safetensors");
    await writeSafetensors(path, Object.fromEntries([["__proto__", ints([1], Int32Array.of(5))]]));
    const { tensors: read } = await readSafetensors(path);
    assert.deepEqual(Object.keys(read), ["__proto__"]);
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
  });

  const bad: [what: string, header: unknown, dataBytes: number, message: RegExp][] = [
    [
      "overlap",
      { a: entry("U8", [4], 0, 4), b: entry("U8", [4], 2, 6) },
      6,
      /b at byte 2, over the tensor that ends at 4/,
    ],
    ["gap", { a: entry("U8", [4], 0, 4), b: entry("U8", [4], 5, 9) }, 9, /b at byte 5, after a gap from 4/],
    ["gap at the start", { a: entry("U8", [4], 1, 5) }, 5, /after a gap from 0/],
    ["trailing bytes", { a: entry("U8", [4], 0, 4) }, 5, /5 bytes of data where the header tells of 4/],
    ["too few bytes", { a: entry("U8", [4], 0, 4) }, 3, /3 bytes of data/],
    ["negative offset", { a: entry("U8", [4], -4, 0) }, 0, /a at \[-4,0\]/],
    ["reversed offsets", { a: entry("U8", [4], 4, 0) }, 4, /a with -4 bytes/],
    ["offset past 2^53", { a: entry("U8", [4], 0, 2 ** 60) }, 4, /a at \[0,1152921504606847000\]/],
    ["fractional offset", { a: entry("U8", [4], 0.5, 4.5) }, 4, /a at/],
    ["overflowing shape", { a: entry("F32", [2 ** 40, 2 ** 40], 0, 4) }, 4, /a with 4 bytes for F32/],
    [
      "shape that overflows to nothing",
      { a: entry("F32", [2 ** 53 - 1, 2 ** 53 - 1, 2 ** 53 - 1, 0], 0, 0) },
      0,
      /a of shape|a with/,
    ],
    ["negative side", { a: entry("U8", [-2, -2], 0, 4) }, 4, /a of shape \[-2,-2\]/],
    ["wrong size for the type", { a: entry("F32", [4], 0, 4) }, 4, /a with 4 bytes for F32 \[4\]/],
    ["unknown type", { a: entry("Q4", [4], 0, 4) }, 4, /expected a to be one of F64, F32.*got "Q4"/],
    ["inherited type", { a: entry("constructor", [4], 0, 4) }, 4, /got "constructor"/],
    ["no type", { a: { shape: [4], data_offsets: [0, 4] } }, 4, /got no type/],
    ["unknown key", { a: { ...entry("U8", [4], 0, 4), code: "x" } }, 4, /unknown key "code"/],
    ["three offsets", { a: { dtype: "U8", shape: [4], data_offsets: [0, 4, 4] } }, 4, /a at \[0,4,4\]/],
    ["entry that is no object", { a: [1] }, 0, /a that is no object/],
    ["a list", [], 0, /a header that is no object/],
    ["metadata that is no text", { __metadata__: { a: 1 } }, 0, /__metadata__.a that is no text/],
    ["a rank without end", { a: entry("U8", new Array(1000).fill(1), 0, 1) }, 1, /a of shape/],
    [
      "64-bit integers that do not fit",
      { a: entry("I64", [1], 0, 8) },
      -8,
      /expected 32-bit integers, got 9187201950435737471/,
    ],
    ["booleans that are none", { a: entry("BOOL", [1], 0, 1) }, -1, /expected booleans of 0 or 1, got 127/],
  ];
  for (const [what, header, dataBytes, message] of bad) {
    it(`refuses ${what}, naming the file`, async () => {
      const path = await write(header, new Uint8Array(Math.abs(dataBytes)).fill(dataBytes < 0 ? 127 : 0));
      await assert.rejects(readSafetensors(path), (error: unknown) => {
        assert.ok(error instanceof UserError && error.message.startsWith(path), String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it("refuses duplicate names, broken JSON and broken text", async () => {
    const one = JSON.stringify(entry("U8", [1], 0, 1));
    for (const json of [
      `{"a":${one},"a":${one}}`,
      `{"a":${one}`,
      "",
      " ",
      "\uFEFF{}",
      Buffer.from([0x22, 0xff, 0x22]),
    ]) {
      await assert.rejects(readSafetensors(await write(json, new Uint8Array(1))), UserError);
    }
  });

  it("refuses a header longer than the file or the format's bound before it allocates", () => {
    const prefix = (length: bigint) => new Uint8Array(new BigUint64Array([length]).buffer);
    for (const length of [2n ** 64n - 1n, 2n ** 63n, 101n, 1n, 0n]) {
      assert.throws(
        () => readHeaderLength(prefix(length), 108, "f"),
        /^UserError: f: .* a header of \d+ bytes in a file of 108/,
      );
    }
    assert.throws(() => readHeaderLength(prefix(2n ** 24n + 1n), 2 ** 40, "f"), UserError);
    assert.equal(readHeaderLength(prefix(100n), 108, "f"), 100);
  });

  it("refuses an empty, a short and a missing file, and a folder", async () => {
    for (const size of [0, 1, 7, 8]) {
      await fs.writeFile(join(root, "short"), new Uint8Array(size));
      await assert.rejects(readSafetensors(join(root, "short")), UserError);
    }
    await assert.rejects(readSafetensors(join(root, "none")), /none: expected a safetensors file, got ENOENT/);
    await assert.rejects(readSafetensors(root));
  });

  it("reads 65,000 entries and refuses 100,000 before any is built", () => {
    const header = (count: number) =>
      encodeHeader(Object.fromEntries(Array.from({ length: count }, (_, i) => [`layer.${i}`, ints([1])])));
    const { bytes, order } = header(65_000);
    const { tensors: read } = parseHeader(bytes.subarray(8), bytes.length + 260_000, "f");
    assert.deepEqual(
      read.map(({ name }) => name),
      order,
    );
    const tooMany = header(100_000).bytes;
    const before = process.memoryUsage().heapUsed;
    assert.throws(() => parseHeader(tooMany.subarray(8), tooMany.length + 400_000, "f"), /more than 65536 tensors/);
    assert(process.memoryUsage().heapUsed - before < 2e6);
  });

  it("names tensors of strange names in one printable line", async () => {
    const path = await write({ "a\n\u001b[2J\u202e": entry("U8", [4], 1, 5) }, new Uint8Array(5));
    await assert.rejects(readSafetensors(path), /got a\\n\\u\{1b\}\[2J\\u\{202e\} at byte 1, after a gap from 0$/);
  });

  it("every header byte changed in every bit: a clear error, or tensors of the stated sizes", async () => {
    const good = await fs.readFile(join(goldens, "ours.safetensors"));
    const length = readHeaderLength(good, good.length, "f");
    for (let at = 0; at < 8 + length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const bytes = Uint8Array.from(good);
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        try {
          const json = bytes.subarray(8, 8 + readHeaderLength(bytes, bytes.length, "f"));
          const header = parseHeader(json, bytes.length, "f");
          const total = header.tensors.reduce((sum, { begin, end }) => sum + end - begin, 0);
          assert.equal(total, bytes.length - 8 - json.length);
        } catch (error) {
          assert.ok(error instanceof UserError, `bit ${bit} of byte ${at}: ${error}`);
        }
      }
    }
  });

  async function write(header: unknown, data: Uint8Array): Promise<string> {
    const json =
      header instanceof Buffer ? header : Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
    const prefix = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
    const path = join(root, "made.safetensors");
    await fs.writeFile(path, Buffer.concat([prefix, json, data]));
    return path;
  }
});

function entry(dtype: string, shape: readonly number[], begin: number, end: number) {
  return { dtype, shape, data_offsets: [begin, end] };
}

function floatsOf(tensor: HostTensor | undefined): Float32Array {
  assert.ok(tensor?.data instanceof Float32Array);
  return tensor.data;
}
