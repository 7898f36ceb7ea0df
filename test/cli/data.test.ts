import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { parseOptions } from "../../src/cli/data/options.ts";
import { ingestSchema } from "../../src/data/ingest/ingest.ts";
import { shapesSchema } from "../../src/data/shapes/world.ts";
import { scratchFolder } from "../data/scratch.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

function kinema(...args: string[]) {
  const command = ["src/cli/kinema.js", "data", ...args];
  const { status, stdout, stderr } = spawnSync("node", command, { cwd: root, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("kinema data", function () {
  this.timeout(120_000);
  const scratch = scratchFolder();

  it("makes shapes, tells what they are, and finds damage", () => {
    const out = join(scratch(), "shapes");
    const options = ["--clips", "20", "--seed", "3", "--colours", "red,blue", "--buckets", "1x16x16,5x16x24:3"];
    const made = kinema("shapes", "--out", out, ...options);
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /^.*shapes: 20 clips, \d+ frames in 2 sizes\n$/);
    const { stdout } = kinema("stats", out, "--json");
    const stats = JSON.parse(stdout);
    assert.deepEqual(Object.keys(stats), [
      "kind",
      "clips",
      "frames",
      "shards",
      "bytes",
      "grids",
      "skipped",
      "fingerprint",
      "made",
    ]);
    assert.deepEqual(Object.keys(stats.grids[0]), ["frames", "height", "width", "count"]);
    assert.equal(stats.clips, 20);
    assert.match(kinema("verify", out).stdout, /20 clips, all as they were written\n$/);
    writeFileSync(join(out, "shard-00000.arrow"), "nothing");
    const damaged = kinema("verify", out, "--json");
    assert.equal(damaged.status, 2);
    assert.equal(JSON.parse(damaged.stdout).damaged[0].file, "shard-00000.arrow");
  });

  it("takes in a parquet file, and asks where its columns could be meant in two ways", () => {
    const golden = (name: string) => join(root, "test", "goldens", "parquet", `${name}.parquet`);
    const out = join(scratch(), "pictures");
    const options = ["--caption-column", "json", "--caption-key", "caption", "--multiple", "8"];
    const { status, stdout, stderr } = kinema("ingest", golden("pictures-none"), ...options, "--out", out);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^1 parquet file: videos in column image, captions in column json\n/);
    assert.match(stdout, /pictures: 2 clips, 2 frames in 2 sizes\n$/);
    const asked = kinema("ingest", golden("ambiguous"), "--out", join(scratch(), "none"));
    assert.equal(asked.status, 2);
    assert.match(asked.stderr, /^.*ambiguous\.parquet: expected one column that can only be the videos, got .*\n$/);
  });

  it("answers wrong options with one line that names them, and exit code 2", () => {
    const { status, stderr } = kinema("shapes", "--out", join(scratch(), "none"), "--buckets", "9x32");
    assert.equal(status, 2);
    assert.equal(stderr, "--buckets: expected FRAMESxHEIGHTxWIDTH[:WEIGHT], got 9x32; try 9x32x48:2\n");
    const cases: [z.ZodType, object, RegExp][] = [
      [shapesSchema, { colours: ["red", "pink"] }, /^--colours 2: expected one of .*, got "pink"$/],
      [shapesSchema, { size: [0.5, 0.4] }, /^--size: expected the smallest first, got \[0\.5,0\.4\]$/],
      [shapesSchema, { clips: Number.NaN }, /^--clips: expected number, got NaN$/],
      [
        shapesSchema,
        { buckets: [{ frames: 4, height: 8, width: 8 }] },
        /^--buckets 1 frames: expected frames 1, 5, .* got 4$/,
      ],
      [ingestSchema, { maxPixels: 64 }, /^--max-pixels: expected at least multiple x multiple, got 64$/],
      [ingestSchema, { fps: 0 }, /^--fps: expected number to be >0, got 0$/],
    ];
    for (const [schema, values, message] of cases) {
      assert.throws(() => parseOptions(schema, { ...values }), { name: "UserError", message });
    }
  });
});
