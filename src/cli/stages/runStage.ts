import type { Engine, HostMap } from "../../engine/engine.ts";
import type { AdamWConfig } from "../../train/adamw.ts";
import type { LoaderConfig } from "../../train/batches/loaderConfig.ts";
import { withAssembler } from "../../train/batches/openAssembler.ts";
import { findCheckpoint, type Retention, saveCheckpoint } from "../../train/checkpoint.ts";
import { type CheckpointStore, trainLoop } from "../../train/loop.ts";
import type { TrainConfig } from "../../train/loopConfig.ts";
import { openRun, type Run, type RunRecipe } from "../../train/runFolder.ts";
import { StopSignal } from "../../train/signals.ts";
import type { Task } from "../../train/task.ts";
import { type DrawSamples, RunReporter } from "./runReporter.ts";

/** One stage (VAE or DiT) to train in a run folder. */
export interface Stage {
  readonly title: string;
  readonly dir: string;
  readonly recipe: RunRecipe;
  readonly seed: number;
  readonly engine: Engine;
  readonly task: Task;
  readonly optim: AdamWConfig;
  readonly train: TrainConfig;
  readonly loader: LoaderConfig;
  /** Called when the run folder is open and locked. */
  onOpen(run: Run): Promise<void>;
  drawSamples(run: Run): DrawSamples;
}

/** How a stage ended. `exitCode` is set when a signal ended it early, after saving. */
export interface StageResult {
  readonly step: number;
  /** The averaged weights, by parameter path. */
  readonly weights: HostMap;
  readonly exitCode: number | undefined;
}

/** Trains a stage: opens the run, resumes, logs, saves, draws pictures and shows one progress line. */
export async function runStage(stage: Stage): Promise<StageResult> {
  const { title, engine, train, loader } = stage;
  const run = await openRun(stage.dir, stage.recipe);
  const stop = new StopSignal();
  const reporter = new RunReporter({ title, run, engine, numSteps: train.steps, drawSamples: stage.drawSamples(run) });
  try {
    await stage.onOpen(run);
    const { step, ema } = await withAssembler(stage.task, loader, (assembler) =>
      trainLoop({
        ...stage,
        assembler,
        prefetch: loader.prefetch,
        store: checkpointStore(stage, run, reporter),
        observer: reporter,
        onChange: async (what, difference) => {
          await run.accept(what, difference);
          reporter.changed(`${what}: ${difference}`);
        },
        shouldStop: () => stop.exitCode !== undefined,
      }),
    );
    return { step, weights: ema, exitCode: step < train.steps ? stop.exitCode : undefined };
  } finally {
    await reporter.close();
    stop.dispose();
    run.close();
  }
}

function checkpointStore({ recipe, train }: Stage, run: Run, reporter: RunReporter): CheckpointStore {
  return {
    async load(accepts) {
      const checkpoint = await findCheckpoint(run.dir, {
        which: ["model", "ema", "optimizer"],
        ...(accepts === undefined ? {} : { accepts }),
      });
      for (const { reason } of checkpoint?.damaged ?? []) process.stderr.write(`passed over: ${reason}\n`);
      return checkpoint;
    },
    async save(snapshot) {
      await reporter.sync();
      // What the run would go back to stays until there is another to go back to.
      const retention = snapshot.state.isGood ? retentionOf(train) : "all";
      await saveCheckpoint(run.dir, { ...snapshot, config: recipe.configYaml }, retention);
    },
  };
}

function retentionOf({ keep, keepEvery, keepBest, keepBestBy }: TrainConfig): Retention {
  return {
    last: keep,
    ...(keepEvery > 0 ? { every: keepEvery } : {}),
    ...(keepBest > 0 ? { best: { count: keepBest, by: keepBestBy } } : {}),
  };
}
