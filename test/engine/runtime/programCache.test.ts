import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProgramCache } from "../../../src/engine/runtime/programCache.ts";

describe("program cache", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kinema-cache-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const put = (cache: ProgramCache, key: string, bytes: Uint8Array) =>
    cache.store(key, async (path) => {
      if (path !== undefined) await writeFile(path, bytes);
    });

  it("gives back what was stored, and leaves nothing else in its folder", async () => {
    const cache = new ProgramCache(folder);
    assert.equal(await cache.read("k"), undefined);
    await put(cache, "k", Uint8Array.of(1, 2, 3));
    assert.deepEqual([...((await new ProgramCache(folder).read("k")) ?? [])], [1, 2, 3]);
    assert.deepEqual(await readdir(folder), ["k.onnx"]);
  });

  it("drops a file that was torn or changed", async () => {
    const cache = new ProgramCache(folder);
    const file = join(folder, "k.onnx");
    await put(cache, "k", new Uint8Array(1000).fill(7));
    await truncate(file, 500);
    assert.equal(await cache.read("k"), undefined);
    assert.deepEqual(await readdir(folder), []);
    await put(cache, "k", new Uint8Array(1000).fill(7));
    const bytes = await readFile(file);
    bytes[700] = 8;
    await writeFile(file, bytes);
    assert.equal(await cache.read("k"), undefined);
    await writeFile(file, "");
    assert.equal(await cache.read("k"), undefined);
  });

  it("removes the longest unused when it grows too large", async () => {
    const cache = new ProgramCache(folder, 3000);
    for (const key of ["a", "b"]) {
      await put(cache, key, new Uint8Array(1000));
      await utimes(join(folder, `${key}.onnx`), 1, 1);
    }
    assert.ok(await cache.read("a"));
    await put(cache, "c", new Uint8Array(1000));
    assert.deepEqual((await readdir(folder)).sort(), ["a.onnx", "c.onnx"]);
  });

  it("does without a folder that cannot be made, and without a file that cannot be written", async () => {
    const blocked = join(folder, "file");
    await writeFile(blocked, "");
    const paths: (string | undefined)[] = [];
    const made = await new ProgramCache(join(blocked, "below")).store("k", async (path) => paths.push(path));
    assert.equal(made, 1);
    assert.deepEqual(paths, [undefined]);
    const result = await new ProgramCache(folder).store("k", async (path) => {
      if (path !== undefined) throw new Error("disk full");
      return "made";
    });
    assert.equal(result, "made");
    assert.deepEqual(await readdir(folder), ["file"]);
  });

  it("passes on the error of what it stores", async () => {
    const failing = async () => {
      throw new Error("bad model");
    };
    await assert.rejects(new ProgramCache(folder).store("k", failing), /bad model/);
    assert.deepEqual(await readdir(folder), []);
  });
});
