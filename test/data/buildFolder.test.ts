import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Interrupted, UserError } from "../../src/base/errors.ts";
import { createDataset, type DatasetWriter, openDataset } from "../../src/data/dataset.ts";
import type { Manifest } from "../../src/data/manifest.ts";
import type { StoreOptions } from "../../src/data/storeWriter.ts";
import { verifyDataset } from "../../src/data/verify.ts";
import { noiseClip, scratchFolder } from "./scratch.ts";

const clips = Array.from({ length: 30 }, (_, i) => noiseClip(1, 8, 8, i));
const options: StoreOptions = {
  made: { command: "test", options: {} },
  inputs: { clips: 30 },
  limits: { batchBytes: 300, shardBytes: 800 },
};

/** Adds clips from where the build stands, two at a time, and fails at clip `until`. Gives the clips that it added. */
function fill(out: DatasetWriter, until = clips.length, failure: Error = new Error("stopped")): number[] {
  const added: number[] = [];
  for (let i = Number(out.cursor ?? 0); i < clips.length; i += 2) {
    if (i >= until) throw failure;
    for (const index of [i, i + 1]) {
      out.add(clips[index] as (typeof clips)[number]);
      added.push(index);
    }
    if (i === 4) out.skip("four.mp4", "is left out");
    out.commit(i + 2);
  }
  return added;
}

describe("a build that is gone on with", () => {
  const scratch = scratchFolder();
  let count = 0;
  let dir = "";
  let building = "";
  beforeEach(() => {
    count += 1;
    dir = join(scratch(), `set-${count}`);
    building = join(scratch(), `.set-${count}.building`);
  });

  const stop = (until: number, failure?: Error, changes: Partial<StoreOptions> = {}): Promise<unknown> =>
    createDataset(dir, { ...options, ...changes }, (out) => void fill(out, until, failure)).catch((error) => error);

  async function goOn(changes: Partial<StoreOptions> = {}): Promise<{ added: number[]; manifest: Manifest }> {
    let added: number[] = [];
    const manifest = await createDataset(dir, { ...options, ...changes }, (out) => {
      added = fill(out);
    });
    return { added, manifest };
  }

  async function whole(): Promise<{ manifest: Manifest; files: Buffer[] }> {
    const reference = join(scratch(), `whole-${count}`);
    const manifest = await createDataset(reference, options, (out) => void fill(out));
    return { manifest, files: readdirSync(reference).map((name) => readFileSync(join(reference, name))) };
  }

  it("starts after the last whole shard and ends in the same bytes, however often it was stopped", async () => {
    const expected = await whole();
    for (const until of [4, 13, 14, 27]) {
      assert.match(String(await stop(until)), /stopped/);
      assert.deepEqual(readdirSync(scratch()).includes(`set-${count}`), false);
    }
    const { added, manifest } = await goOn();
    assert.ok(added.length > 0 && added.length < 12, `${added.length} of 30 clips in the last start`);
    assert.deepEqual(manifest, expected.manifest);
    assert.deepEqual(
      readdirSync(dir).map((name) => readFileSync(join(dir, name))),
      expected.files,
    );
    assert.deepEqual(manifest.skipped, [{ file: "four.mp4", reason: "is left out" }]);
    assert.deepEqual((await verifyDataset(dir)).damaged, []);
    assert.deepEqual(
      readdirSync(scratch()).filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("takes no shard that is not as it was written, and no line that was cut short", async () => {
    const expected = await whole();
    await stop(20);
    const shards = readdirSync(building).filter((name) => name.endsWith(".arrow"));
    assert.ok(shards.length > 2);
    truncateSync(join(building, shards[1] as string), 100);
    appendFileSync(join(building, "build.jsonl"), '{"shard":');
    const { added, manifest } = await goOn();
    assert.equal(added[0], (expected.manifest.shards[0]?.clips ?? 0) as number);
    assert.deepEqual(manifest, expected.manifest);
  });

  it("starts anew when it is of other inputs, and cleans up what is there", async () => {
    await stop(20);
    writeFileSync(join(building, "stray"), "");
    const { added } = await goOn({ inputs: { clips: 31 } });
    assert.equal(added[0], 0);
    assert.ok(!readdirSync(dir).includes("stray"));
    assert.deepEqual((await openDataset(dir)).entries.length, 30);
  });

  it("removes what killed builds left that cannot be gone on with", async () => {
    mkdirSync(building);
    writeFileSync(join(building, "shard-00000.arrow"), "half");
    for (const old of ["tmp", "old"]) mkdirSync(join(scratch(), `.set-${count}.${old}-99999-1`));
    mkdirSync(join(scratch(), ".other.tmp-99999-1"));
    const { inputs: _, ...once } = options;
    await createDataset(dir, once, (out) => {
      for (const clip of clips) out.add(clip);
    });
    assert.deepEqual(
      readdirSync(scratch()).filter((name) => name.startsWith(".")),
      [".other.tmp-99999-1"],
    );
    assert.deepEqual((await verifyDataset(dir)).damaged, []);
  });

  it("keeps nothing after a mistake of the user's, or when no shard was whole", async () => {
    for (const [until, failure] of [
      [20, new UserError("test", "wrong input")],
      [2, new Error("stopped")],
    ] as const) {
      await stop(until, failure);
      assert.ok(!readdirSync(scratch()).includes(`.set-${count}.building`));
    }
  });

  it("says how much is kept when a signal ended it", async () => {
    const error = await stop(20, new Interrupted(130, "stopped by SIGINT"));
    assert.ok(error instanceof Interrupted);
    assert.equal(error.exitCode, 130);
    const kept = /stopped by SIGINT with (\d+) clips kept; the same command goes on from there$/.exec(error.message);
    assert.equal((await goOn()).added[0], Number(kept?.[1]));
  });

  it("is refused to a second process while the first goes on", async () => {
    await createDataset(dir, options, async (out) => {
      await assert.rejects(
        goOn(),
        /\.building: expected a dataset that nobody is making, got one that process \d+ is making/,
      );
      fill(out);
    });
    assert.deepEqual((await verifyDataset(dir)).damaged, []);
  });
});
