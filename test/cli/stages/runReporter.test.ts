import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunReporter } from "../../../src/cli/stages/runReporter.ts";
import { createEngine } from "../../../src/engine/createEngine.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";
import { FlatLayout } from "../../../src/train/flatState.ts";
import type { LogLine } from "../../../src/train/meter.ts";
import type { Run } from "../../../src/train/runFolder.ts";
import { scratchFolder } from "../../data/scratch.ts";

describe("a run's reporter", () => {
  const folder = scratchFolder();

  it("tells once of a log, events and pictures that fail, and never throws", async () => {
    const dir = join(folder(), "run");
    mkdirSync(join(dir, "log.jsonl"), { recursive: true });
    writeFileSync(join(dir, "tb"), "no folder");
    const run: Run = {
      dir,
      resumed: false,
      notices: [],
      changes: ["optim.lr 1 -> 2"],
      logPath: join(dir, "log.jsonl"),
      tensorBoardDir: join(dir, "tb"),
      samplesDir: join(dir, "samples"),
      accept: async () => undefined,
      close: () => undefined,
    };
    const { write } = process.stderr;
    let text = "";
    process.stderr.write = (piece: string | Uint8Array) => {
      text += String(piece);
      return true;
    };
    const engine = await createEngine(engineSchema.parse({ kind: "cpu" }));
    try {
      const drawSamples = () => Promise.reject(new Error("no ink"));
      const reporter = new RunReporter({ title: "train x", run, engine, numSteps: 9, drawSamples });
      await reporter.started(0, new FlatLayout([]));
      for (const step of [1, 2, 3]) {
        reporter.stepped(step, lineOf(step));
        reporter.logged(lineOf(step));
        await reporter.samples(step, {});
        await reporter.sync();
      }
      await reporter.wentBack(3, 1);
      reporter.logged(lineOf(2));
      await reporter.close();
    } finally {
      process.stderr.write = write;
      await engine.dispose();
    }
    const told = (pattern: RegExp) => text.split("\n").filter((line) => pattern.test(line)).length;
    assert.equal(told(/log\.jsonl: /), 1, text);
    assert.equal(told(/no sample pictures at step 1: no ink/), 1, text);
    assert.equal(told(/no sample pictures/), 1, text);
    assert.ok(told(/tfevents/) >= 1 && told(/tfevents/) <= 2, text);
  });
});

function lineOf(step: number): LogLine {
  const rates = { clipsPerSecond: 1, tokensPerSecond: 1, dataWait: 0, rssMb: 1, skipped: 0, rollbacks: 0 };
  return { step, loss: 1, aux: {}, epochs: {}, lr: 1, gradNorm: 1, ...rates };
}
