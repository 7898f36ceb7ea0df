import assert from "node:assert/strict";
import type { HostTensor } from "../../src/base/tensors.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Engine, HostMap } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { type ClipSpan, packLayout } from "../../src/models/patches/layout.ts";
import { RowLayout, type RowRoom } from "../../src/models/patches/rowLayout.ts";
import { textRowLength } from "../../src/models/text/textRow.ts";
import { BatchBuffers } from "../../src/train/batches/batchBuffers.ts";
import { objectiveSchema } from "../../src/train/ditConfig.ts";
import type { DitTask } from "../../src/train/ditTask.ts";
import { packingSchema } from "../../src/train/packingConfig.ts";
import { scratchFolder } from "../data/scratch.ts";
import {
  assemblerOf,
  MemoryStore,
  runLoop,
  type SmallLatents,
  smallDit,
  smallDitTask,
  smallLatents,
  smallWorld,
} from "./loopSetting.ts";

const packing = packingSchema.parse({ tokens: 64, mode: "masked" });
const { text } = smallDit().dit;
assert.ok(text.kind === "bytes");
const textWidth = textRowLength(text);

describe("training on masked packs", function () {
  this.timeout(120_000);
  const folder = scratchFolder();
  let dataset: Dataset;
  let data: SmallLatents;
  let engine: Engine;
  before(async () => {
    dataset = await smallWorld(folder());
    data = await smallLatents(dataset);
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(async () => {
    await engine.dispose();
    await data.latents.close();
    await dataset.close();
  });

  /** A masked batch, written over what another batch has left, with its clips' places. */
  async function draw(task: DitTask, step: number) {
    const { order, arrangement, ...facts } = task.draw({ step, part: 0 });
    assert.ok(order.kind === "pack" && order.rowClips !== undefined);
    const { tensors } = new BatchBuffers(1).take(arrangement.signature);
    for (const { data: values } of Object.values(tensors)) values.fill(9);
    await assemblerOf(task).fill(order, tensors);
    let first = 0;
    const rows = order.rowClips.map((count) => {
      first += count;
      return order.clips.slice(first - count, first).map(({ grid }) => grid);
    });
    const { clips } = new RowLayout(task.assembly.room as RowRoom).place(rows);
    return { order, arrangement, tensors, clips, ...facts };
  }

  it("have one program, and give a clip what plans give it", async () => {
    const objective = objectiveSchema.parse({ weighting: "clip" });
    const masked = await smallDitTask(data, { packing, objective });
    const planned = await smallDitTask(data, {
      packing: packingSchema.parse({ tokens: 64, mode: "plans" }),
      objective,
    });
    const known = new Map<string, number[]>();
    for (let pack = 0; pack < 30; pack++) {
      const { order, arrangement } = planned.draw({ step: 7, part: 0 });
      const { tensors } = new BatchBuffers(1).take(arrangement.signature);
      await assemblerOf(planned).fill(order, tensors);
      assert.ok(order.kind === "pack");
      const { clips } = packLayout(order.clips.map(({ grid }) => grid));
      for (const [i, { row, repeat }] of order.clips.entries()) {
        const span = clips[i] ?? assert.fail();
        const all = ["x0_LP", "eps_LP", "t_F", "text_CR"].flatMap((name) => part(name, tensors, span));
        known.set(`${row.entry.hash} ${repeat}`, all);
      }
    }
    const keys = new Set<string>();
    let compared = 0;
    for (let pack = 0; pack < 30; pack++) {
      const { order, arrangement, tensors, clips, numClips, numTokens } = await draw(masked, 7);
      keys.add(arrangement.key);
      assert.equal(numClips, clips.length);
      assert.equal(
        numTokens,
        clips.reduce((sum, span) => sum + span.numTokens, 0),
      );
      for (const [i, span] of clips.entries()) {
        const { row, repeat } = order.clips[i] ?? assert.fail();
        const expected = known.get(`${row.entry.hash} ${repeat}`);
        if (expected === undefined) continue;
        compared++;
        assert.deepEqual(
          ["x0_LP", "eps_LP", "t_F", "text_CR"].flatMap((name) => part(name, tensors, span)),
          expected,
        );
      }
    }
    assert.deepEqual([keys.size, compared > 100], [1, true]);
  });

  it("leave zeros where no clip is, whatever was there", async () => {
    const task = await smallDitTask(data, { packing });
    const { tensors, clips } = await draw(task, 1);
    for (const name of ["x0_LP", "eps_LP", "t_F", "weight_F", "text_CR"]) {
      const rest = (tensors[name] as HostTensor).data.slice();
      const width = rest.length / (tensors[name]?.shape[0] as number);
      for (const span of clips) {
        const [first, count] = rowsOf(name, span);
        rest.fill(0, first * width, (first + count) * width);
      }
      assert.ok(
        rest.every((value) => value === 0),
        name,
      );
    }
    assert.equal(tensors.text_CR?.shape[1], textWidth);
  });

  it("train: the loss falls, and a stopped run goes on to the very same numbers", async () => {
    const train = { steps: 24, checkpointEvery: 100, logEvery: 6, sampleEvery: 0 };
    const objective = objectiveSchema.parse({ time: { shift: { kind: "none" } } });
    const whole = new MemoryStore();
    const { lines, plans } = await runLoop(engine, await smallDitTask(data, { packing, objective }), {
      train,
      store: whole,
      optim: { lr: 0.01 },
    });
    assert.equal(plans.length, 1);
    assert.ok((lines.at(-1)?.loss ?? 9) < 0.9 * (lines[0]?.loss ?? 0), `${lines.map(({ loss }) => loss)}`);
    const halves = new MemoryStore();
    const setting = { train, store: halves, optim: { lr: 0.01 } };
    await runLoop(engine, await smallDitTask(data, { packing, objective }), { ...setting, stopAfter: 11 });
    await runLoop(engine, await smallDitTask(data, { packing, objective }), setting);
    assert.deepEqual(halves.saved.at(-1), whole.saved.at(-1));
  });
});

/** The first row and the number of rows that a clip has in one of a batch's tensors. */
function rowsOf(name: string, { firstToken, numTokens, firstFrame, grid, slot }: ClipSpan): [number, number] {
  if (name.endsWith("_F")) return [firstFrame, grid.t];
  return name === "text_CR" ? [slot, 1] : [firstToken, numTokens];
}

/** A clip's values in one of a batch's tensors. */
function part(name: string, tensors: HostMap, span: ClipSpan): number[] {
  const { data, shape } = tensors[name] ?? assert.fail(name);
  const width = data.length / (shape[0] as number);
  const [first, count] = rowsOf(name, span);
  return [...data.subarray(first * width, (first + count) * width)];
}
