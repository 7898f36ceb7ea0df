import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { createDataset } from "../../../src/data/dataset.ts";
import { type Manifest, parseManifest } from "../../../src/data/manifest.ts";
import { parseIndex } from "../../../src/data/shards/indexFile.ts";
import { noiseClip } from "../../data/scratch.ts";
import { jsonChanges } from "../jsonChanges.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

/** A small dataset in two shards. */
async function build(dir: string): Promise<Manifest> {
  const limits = { batchBytes: 400, shardBytes: 900 };
  const options = { made: { command: "test", options: { a: [1, { b: "c" }] } }, limits };
  return createDataset(dir, options, (out) => {
    for (const [i, frames] of [1, 3, 2, 5].entries()) out.add(noiseClip(frames, 4, 6, i));
    out.skip("broken.mp4", "does not decode");
  });
}

const tokens = [
  ...['"../x"', '"/etc/passwd"', '"__proto__":{}', '"version": 1', "-1", "1e400", "[[[[", "{", "}", '"', "\\u0000"],
  ...["null", "9007199254740993", '"kind": "latents"'],
];

/** manifest.json of a dataset. What is accepted names files of its own folder alone. */
export async function openManifest(scratch: string): Promise<FuzzTarget> {
  const dir = join(scratch, "manifest");
  const manifest = await build(dir);
  const seeds = [readFileSync(join(dir, "manifest.json")), Buffer.from(JSON.stringify(manifest))];
  const changed = jsonChanges([manifest]).map((json) => Buffer.from(JSON.stringify(json) ?? ""));
  return {
    name: "manifest",
    runs: 100_000,
    slice: 3000,
    inputs: fc.oneof(mutations(seeds, tokens), changed),
    read: (bytes) => {
      const { shards, index } = parseManifest(Buffer.from(bytes).toString(), "manifest.json");
      for (const { file } of [...shards, index]) {
        if (/[/\\\0]|^\./.test(file)) throw new Error(`${file} was accepted as the name of a shard`);
      }
    },
  };
}

/** The index of a dataset, an Arrow file. Its manifest fits whatever is in it. What is accepted lies in its shards. */
export async function openArrow(scratch: string): Promise<FuzzTarget> {
  const dir = join(scratch, "arrow");
  const manifest = await build(dir);
  const index = readFileSync(join(dir, "index.arrow"));
  return {
    name: "arrow",
    runs: 100_000,
    slice: 2000,
    inputs: mutations([index], ["ARROW1", "\0\0\0\0", "\0\0\0\x7f", "shard"]),
    read: (bytes) => {
      const { entries, places } = parseIndex("index.arrow", bytes, manifest);
      for (const [i, { shard, offset }] of places.entries()) {
        const size = manifest.shards[shard]?.bytes ?? 0;
        if (shard !== -1 && !(offset >= 0 && offset < size)) throw new Error(`row ${i} at ${offset} of ${size}`);
      }
      if (entries.some(({ caption }) => typeof caption !== "string")) throw new Error("a caption that is no text");
    },
  };
}
