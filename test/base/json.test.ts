import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { UserError } from "../../src/base/errors.ts";
import { sealOfFile, sha256, sha256OfJson } from "../../src/base/hash.ts";
import { canonicalJson, type JsonValue, parseJson } from "../../src/base/json.ts";

describe("json", () => {
  it("reads any JSON as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(parseJson(text, "x"), JSON.parse(text));
      }),
    );
  });

  it("refuses a key that stands twice, also when spelt differently", () => {
    const repeats = [
      '{"a":1,"a":2}',
      '{"x":[{"b":{}, "\\u0062" : 1}]}',
      '{"":1,"":1}',
      '{"\\"":1,"b":{"\\"":2},"\\"":3}',
    ];
    for (const text of repeats)
      assert.throws(() => parseJson(text, "file.json"), /^UserError: file\.json: expected every/);
    assert.deepEqual(parseJson('{"a":{"a":"a"},"b":["a:","a"]}', "x"), { a: { a: "a" }, b: ["a:", "a"] });
  });

  it("names the file when the text is no JSON", () => {
    for (const text of ["", "{", "{'a':1}", "NaN", '"\n"']) {
      assert.throws(() => parseJson(text, "dir/f.json"), /^UserError: dir\/f\.json: expected JSON, got /, text);
    }
  });

  it("stands long strings and many keys", () => {
    for (const letters of ["k\\", "\n", '"']) {
      const long = JSON.stringify({ [letters.repeat(5_000_000)]: letters.repeat(5_000_000) });
      assert.doesNotThrow(() => parseJson(long, "x"));
    }
    const many = `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":0`).join()}}`;
    assert.doesNotThrow(() => parseJson(many, "x"));
    assert.throws(() => parseJson(`${many.slice(0, -1)},"k7":1}`, "x"), UserError);
  });

  it("refuses deep nesting and a million values before it builds any", () => {
    const nested = (levels: number) =>
      `${"[".repeat(levels)}${'{"a":'.repeat(levels)}1${"}".repeat(levels)}${"]".repeat(levels)}`;
    assert.doesNotThrow(() => parseJson(nested(32), "x"));
    assert.throws(() => parseJson(nested(33), "x"), /^UserError: x: expected JSON of at most 64 levels, got more/);
    assert.throws(() => parseJson("[".repeat(5_000_000), "x"), /at most 64 levels/);
    for (const item of ["{},", "[],", "0,", '"",']) {
      const before = process.memoryUsage().heapUsed;
      const many = `[${item.repeat(2_000_000)}0]`;
      assert.throws(() => parseJson(many, "x"), /at most 1000000 values, got more/);
      assert(process.memoryUsage().heapUsed - before < 2 * many.length + 8e6);
    }
  });

  it("refuses numbers that would become infinite", () => {
    for (const text of ["1e999", '{"a":[-1e+400]}', `[${"9".repeat(400)}]`, `${"9".repeat(250)}e99`]) {
      assert.throws(() => parseJson(text, "x"), /^UserError: x: expected numbers below 1.8e308/);
    }
    assert.deepEqual(parseJson('["1e999", 1e-999, 1e300]', "x"), ["1e999", 0, 1e300]);
  });

  it("does not let __proto__ reach a prototype", () => {
    parseJson('{"__proto__":{"polluted":1}}', "x");
    assert.equal(Reflect.get({}, "polluted"), undefined);
    assert.equal(canonicalJson(parseJson('{"b":1,"__proto__":2}', "x")), '{"__proto__":2,"b":1}');
  });

  it("has one canonical text, whatever the order of keys", () => {
    assert.equal(
      canonicalJson({ b: [1, { d: null, c: "é" }], a: -1.5e-7, "10": true, "9": false }),
      '{"10":true,"9":false,"a":-1.5e-7,"b":[1,{"c":"é","d":null}]}',
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value as JsonValue);
        assert.equal(canonicalJson(JSON.parse(text)), text);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("refuses what JSON would drop or change", () => {
    const values: [unknown, RegExp][] = [
      [Number.NaN, /\$\.x\[0\]: JSON cannot hold NaN/],
      [undefined, /type undefined/],
      [new Map(), /a Map/],
      [new Float32Array(1), /a Float32Array/],
      [1n, /type bigint/],
    ];
    for (const [value, message] of values) assert.throws(() => canonicalJson({ x: [value as JsonValue] }), message);
  });
});

describe("hash", () => {
  // FIPS 180-2, appendix B.1.
  const ofAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("gives the standard's SHA-256 of bytes, text and files", async () => {
    assert.equal(sha256("abc"), ofAbc);
    assert.equal(sha256(Uint8Array.of(97, 98, 99)), ofAbc);
    const folder = await fs.mkdtemp(join(tmpdir(), "kinema-hash-"));
    await fs.writeFile(join(folder, "abc"), "abc");
    assert.deepEqual(await sealOfFile(join(folder, "abc")), { bytes: 3, sha256: ofAbc });
    await fs.rm(folder, { recursive: true });
  });

  it("does not depend on the order of keys", () => {
    assert.equal(sha256OfJson({ a: 1, b: { c: 2, d: 3 } }), sha256OfJson({ b: { d: 3, c: 2 }, a: 1 }));
    assert.notEqual(sha256OfJson({ a: 1 }), sha256OfJson({ a: "1" }));
  });
});
