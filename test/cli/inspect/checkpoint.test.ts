import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs/promises";
import { join } from "node:path";
import yargs from "yargs";
import { inspectCheckpointCommand } from "../../../src/cli/inspect/checkpoint.ts";
import { inspectDiffCommand } from "../../../src/cli/inspect/diff.ts";
import { saveCheckpoint } from "../../../src/train/checkpoint.ts";
import { readContents } from "../../../src/train/checkpointContents.ts";
import { scratchFolder } from "../../data/scratch.ts";
import { contentOf } from "../../train/checkpointContent.ts";

/** What a command prints, and the message it ends with if it refuses. */
async function outputOf(...args: readonly string[]): Promise<{ text: string; refusal: string | undefined }> {
  const { write } = process.stdout;
  let text = "";
  process.stdout.write = (piece: string | Uint8Array) => {
    text += String(piece);
    return true;
  };
  try {
    const cli = yargs([...args])
      .command(inspectCheckpointCommand)
      .command(inspectDiffCommand)
      .fail(false);
    const refusal = await cli.parseAsync().then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { text, refusal };
  } finally {
    process.stdout.write = write;
  }
}

describe("kinema inspect checkpoint", () => {
  const folder = scratchFolder();

  it("lists tensors with their digests, and says what is damaged", async () => {
    const run = join(folder(), "listed");
    await saveCheckpoint(run, contentOf(1));
    const place = await saveCheckpoint(run, { ...contentOf(2), metrics: { loss: 0.5, broken: Number.NaN } });
    const { text, refusal } = await outputOf("checkpoint", run, "--json");
    assert.equal(refusal, undefined);
    const told = JSON.parse(text);
    assert.deepEqual([told.step, told.folder, told.sound, told.metrics], [2, place.folder, true, { loss: 0.5 }]);
    const weights = contentOf(2).tensors.ema["a.w"];
    const sha256 = createHash("sha256").update(Buffer.from(weights.data.buffer)).digest("hex");
    assert.deepEqual(
      told.tensors.find(({ part, name }: { part: string; name: string }) => part === "ema" && name === "a.w"),
      { part: "ema", name: "a.w", shape: [8, 4], dtype: "float32", sha256 },
    );
    assert.equal(told.tensors.length, 6);

    await fs.truncate(join(place.folder, "ema.safetensors"), 40);
    const damaged = await outputOf("checkpoint", place.folder);
    assert.match(damaged.text, /^ema\.safetensors .* expected \d+ bytes, got 40: the file is damaged$/m);
    assert.match(damaged.text, /^optimizer\/count +int32 \[\] +[0-9a-f]{16}$/m);
    assert.match(damaged.refusal ?? "", /expected a sound checkpoint, got damaged ema\.safetensors$/);
    await assert.rejects(
      readContents(folder()),
      /expected a run with a checkpoint, or a checkpoint's folder, got neith/,
    );
  });
});

describe("kinema inspect diff", () => {
  const folder = scratchFolder();

  it("says that a copy is the same", async () => {
    const [one, other] = [join(folder(), "one"), join(folder(), "other")];
    for (const run of [one, other]) await saveCheckpoint(run, contentOf(3));
    const told = JSON.parse((await outputOf("diff", one, other, "--json")).text);
    assert.deepEqual([told.steps, told.config, told.state, told.tensors, told.numSame], [[3, 3], [], [], [], 6]);
  });

  it("tells configs, states and tensors apart", async () => {
    const [one, other] = [join(folder(), "a"), join(folder(), "b")];
    const content = contentOf(3);
    await saveCheckpoint(one, { ...content, config: "train: { steps: 100, lr: 1 }\n" });
    const { "a.b": bias, ...model } = contentOf(3).tensors.model;
    model["a.w"].data[7] = (content.tensors.model["a.w"].data[7] as number) * 2;
    const ema = contentOf(3).tensors.ema;
    ema["a.b"].data[0] = Number.NaN;
    await saveCheckpoint(other, {
      ...content,
      tensors: { ...content.tensors, model: { ...model, "a.c": bias }, ema },
      state: { ...content.state, skipped: 4 },
      config: "train: { steps: 100, lr: 2 }\n",
    });
    const { text } = await outputOf("diff", one, other);
    const expected = Math.abs(content.tensors.model["a.w"].data[7] as number).toPrecision(3);
    assert.match(text, /^config train\.lr 1 -> 2$/m);
    assert.match(text, /^state skipped 0 -> 4$/m);
    assert.match(text, /^3 tensors are the same to the bit, 4 are not$/m);
    assert.match(text, new RegExp(`^model/a\\.w +values +${expected.replace(".", "\\.")} +0\\.500$`, "m"));
    assert.match(text, /^model\/a\.b +first only$/m);
    assert.match(text, /^model\/a\.c +second only$/m);
    assert.match(text, /^ema\/a\.b +values +Infinity +Infinity$/m);
    const told = JSON.parse((await outputOf("diff", one, other, "--json")).text);
    assert.ok(told.tensors.some(({ maxAbs }: { maxAbs: unknown }) => maxAbs === "Infinity"));
  });
});
