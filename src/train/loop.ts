import { UserError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { Engine, EngineMap, HostMap, Program } from "../engine/engine.ts";
import type { AdamWConfig } from "./adamw.ts";
import { BackgroundSave } from "./backgroundSave.ts";
import type { Assembler } from "./batches/assembler.ts";
import { BatchFeed, digestOf } from "./batches/batchFeed.ts";
import { FlatLayout } from "./flatState.ts";
import { Guard } from "./guard.ts";
import type { TrainConfig } from "./loopConfig.ts";
import {
  copyTensors,
  firstPoint,
  type LoopPoint,
  type LoopState,
  placePoint,
  restorePoint,
  type Snapshot,
  type StoredState,
  storedPoint,
} from "./loopState.ts";
import { LossScale } from "./lossScale.ts";
import { addLosses, type LogLine, Meter, meansOf, NO_LOSSES } from "./meter.ts";
import { optimizerDigest } from "./optimizer.ts";
import { type StepReport, StepRunner, type TrainBuffers } from "./step.ts";
import type { Arrangement, Batch, Task } from "./task.ts";

export type { Snapshot } from "./loopState.ts";

/** Where checkpoints go and come from. */
export interface CheckpointStore {
  /**
   * The newest sound checkpoint whose state is accepted; undefined when there is none.
   * @throws UserError when there are checkpoints and none of them is sound.
   */
  load(accepts?: (state: JsonObject) => boolean): Promise<StoredState | undefined>;
  save(snapshot: Snapshot): Promise<void>;
}

/** Who is told what the loop does. None of these may throw. */
export interface LoopObserver {
  /** Before the first step. `writtenOn`: the engine that the checkpoint comes from, when it is another than this one. */
  started(fromStep: number, layout: FlatLayout, writtenOn?: string): Promise<void>;
  compiled(arrangement: Arrangement, program: Program): void;
  /** After each step. */
  stepped(step: number, line: LogLine): void;
  /** Each `logEvery` steps, and after the last. */
  logged(line: LogLine): void;
  /** A step was left out, and why. */
  skipped(step: number, reason: string): void;
  /** The run went back to the checkpoint of an earlier step, and goes on with the next data. */
  wentBack(step: number, toStep: number): Promise<void>;
  /** Time for sample pictures from these weights. */
  samples(step: number, ema: EngineMap): Promise<void>;
}

/** What the numbers of a resumed run depend on beside its configuration. */
export type ChangedThing = "code" | "data";

export interface LoopOptions {
  readonly engine: Engine;
  readonly task: Task;
  readonly assembler: Assembler;
  /** Steps whose batches are assembled ahead. */
  readonly prefetch: number;
  readonly seed: number;
  readonly optim: AdamWConfig;
  readonly train: TrainConfig;
  readonly store: CheckpointStore;
  readonly observer: LoopObserver;
  /** Code or data are not those that the checkpoint was made with. @throws UserError to refuse. */
  readonly onChange: (what: ChangedThing, difference: string) => Promise<void>;
  /** Asked between steps: true saves a checkpoint and ends the loop early. */
  readonly shouldStop: () => boolean;
}

/** Trains a task from its last checkpoint, or from the start, to its last step. */
export async function trainLoop(options: LoopOptions): Promise<{ step: number; ema: HostMap }> {
  const { store, task, seed } = options;
  const layout = new FlatLayout(task.params);
  const stored = await store.load();
  const point = stored === undefined ? await firstPoint(task, layout, seed) : storedPoint(layout, stored);
  const buffers = await placePoint(options.engine, layout, point);
  return new TrainingLoop(options, layout, buffers, point).run();
}

class TrainingLoop {
  private readonly options: LoopOptions;
  private readonly layout: FlatLayout;
  private readonly buffers: TrainBuffers;
  private readonly saves: BackgroundSave<Snapshot>;
  private readonly meter: Meter;
  private readonly lossScale: LossScale | undefined;
  private guard: Guard;
  private step: number;
  private state: LoopState;

  constructor(options: LoopOptions, layout: FlatLayout, buffers: TrainBuffers, { step, state }: LoopPoint) {
    this.options = options;
    this.layout = layout;
    this.buffers = buffers;
    this.saves = new BackgroundSave((snapshot) => options.store.save(snapshot));
    this.meter = new Meter(state.losses);
    this.lossScale = LossScale.for(options.engine, state.lossScale);
    this.guard = new Guard(options.train, state);
    this.step = step;
    this.state = state;
  }

  async run(): Promise<{ step: number; ema: HostMap }> {
    const { engine, train, optim, observer } = this.options;
    const runner = await this.createRunner();
    const { engine: writtenOn } = this.state;
    const isOther = writtenOn !== null && writtenOn !== engine.description;
    await observer.started(this.step, this.layout, isOther ? writtenOn : undefined);
    await this.seek();
    await this.compareProgram("optimizer", optimizerDigest(optim, train.steps));
    let feed = this.openFeed();
    try {
      while (this.step < train.steps) {
        const report = await this.makeStep(runner, feed);
        if (this.guard.mustGoBack) {
          await feed.close();
          await this.goBack(report);
          feed = this.openFeed();
        } else if (await this.finishStep(feed)) break;
      }
      await this.saves.settled();
    } finally {
      await feed.close();
      await this.saves.settled().catch(() => undefined);
    }
    return { step: this.step, ema: await this.buffers.ema.fetch() };
  }

  private createRunner(): Promise<StepRunner> {
    const { engine, optim, train, observer } = this.options;
    return StepRunner.create({
      engine,
      layout: this.layout,
      buffers: this.buffers,
      optim,
      numSteps: train.steps,
      numParts: train.accumulate,
      numLanes: train.lanes,
      lossScale: this.lossScale,
      onCompiled: async (arrangement, program) => {
        // A scaled loss is another program, and no other code.
        const key = this.lossScale === undefined ? arrangement.key : `${arrangement.key}, scaled`;
        await this.compareProgram(key, program.digest);
        observer.compiled(arrangement, program);
        this.meter.restartClock();
      },
    });
  }

  private openFeed(): BatchFeed {
    const { task, assembler, prefetch, train } = this.options;
    const { steps: numSteps, accumulate: numParts } = train;
    return new BatchFeed({ task, assembler, fromStep: this.step, numSteps, numParts, prefetch });
  }

  /** Puts the data where the state says. */
  private async seek(): Promise<void> {
    const { task, onChange } = this.options;
    if (this.state.cursor === null) return;
    try {
      task.seek(this.state.cursor);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      await onChange("data", `${error.message}: the order of clips starts anew`);
      this.state = { ...this.state, nextBatches: null };
    }
  }

  private async makeStep(runner: StepRunner, feed: BatchFeed): Promise<StepReport> {
    const { engine, observer } = this.options;
    this.saves.check();
    const asked = performance.now();
    const batches = await feed.next();
    const waitedMs = performance.now() - asked;
    await this.compareBatches(batches);
    const report = await runner.step(this.step + 1, batches, this.guard.maxLoss);
    this.step++;
    const fault = report.overflowed ? this.overflow() : this.guard.take(report);
    if (report.applied) this.requireMetric(report);
    const line = { ...this.meter.measure(this.step, report, batches, waitedMs), ...this.counts() };
    const { lossesSinceCheckpoint: sums } = this.state;
    this.state = {
      ...this.state,
      ...this.guard.state,
      cursor: batches.at(-1)?.cursor ?? null,
      lossScale: this.lossScale?.state ?? null,
      engine: engine.description,
      lossesSinceCheckpoint: report.applied ? addLosses(sums, report) : sums,
    };
    observer.stepped(this.step, line);
    if (fault !== undefined) observer.skipped(this.step, fault);
    if (!this.guard.mustGoBack && this.isDue(this.options.train.logEvery)) {
      observer.logged(line);
      this.meter.flush();
    }
    this.state = { ...this.state, losses: this.meter.losses };
    return report;
  }

  /** Saves and draws what is due. @returns true when the run was asked to stop. */
  private async finishStep(feed: BatchFeed): Promise<boolean> {
    const { train, observer, shouldStop } = this.options;
    const { step } = this;
    const stops = shouldStop();
    const planned = this.isDue(train.checkpointEvery);
    // Pictures come first: a run that dies once the checkpoint is there does not draw those of its step again.
    if (this.isLast || (train.sampleEvery > 0 && step % train.sampleEvery === 0)) {
      await observer.samples(step, this.buffers.ema.tensors);
      this.meter.restartClock();
    }
    if (planned || stops) {
      await this.saves.settled();
      await this.saves.begin(await this.snapshot(feed, planned));
      if (planned) this.state = { ...this.state, lossesSinceCheckpoint: NO_LOSSES };
      this.meter.restartClock();
    }
    return stops;
  }

  private async snapshot(feed: BatchFeed, planned: boolean): Promise<Snapshot> {
    const { lossesSinceCheckpoint: sums } = this.state;
    const { loss, aux } = meansOf(sums);
    return {
      step: this.step,
      tensors: await copyTensors(this.buffers),
      state: {
        ...this.state,
        isGood: planned && this.state.badSteps === 0,
        lossesSinceCheckpoint: planned ? NO_LOSSES : sums,
        nextBatches: await feed.digestOfNext(),
      },
      metrics: sums.steps === 0 ? {} : { loss, ...aux },
    };
  }

  /** Back to the last good checkpoint, or the start; the data stay ahead, so that the bad batches are not met again. */
  private async goBack(report: StepReport): Promise<void> {
    const { engine, store, task, seed, observer } = this.options;
    const from = this.step;
    this.guard.goBack(from, report);
    await this.saves.settled();
    const stored = await store.load(({ isGood }) => isGood !== false);
    const point = stored === undefined ? await firstPoint(task, this.layout, seed) : storedPoint(this.layout, stored);
    await restorePoint(engine, this.buffers, point);
    const { cursor, programs, lossScale, engine: writtenOn } = this.state;
    this.guard = this.guard.backAt(point.state);
    this.step = point.step;
    this.state = {
      ...point.state,
      ...this.guard.state,
      cursor,
      programs,
      lossScale,
      engine: writtenOn,
      nextBatches: null,
    };
    this.meter.restore(point.state.losses);
    await this.seek();
    await observer.wentBack(from, this.step);
  }

  /** A gradient that 16 bits could not hold, which a smaller scale of the loss mends: not the fault of data or weights. */
  private overflow(): string {
    this.guard.leaveOut();
    return `its gradient overflows 16 bits; the loss is scaled by ${this.lossScale?.value} from now on`;
  }

  private counts(): Pick<LogLine, "skipped" | "rollbacks"> {
    const { skipped, rollbacks } = this.guard.state;
    return { skipped, rollbacks };
  }

  private get isLast(): boolean {
    return this.step === this.options.train.steps;
  }

  private isDue(every: number): boolean {
    return this.isLast || this.step % every === 0;
  }

  /** Whether the code records the same program as when the checkpoint was made. */
  private async compareProgram(key: string, digest: string | undefined): Promise<void> {
    if (digest === undefined) return;
    const before = this.state.programs[key];
    if (before !== undefined && before !== digest) {
      await this.options.onChange("code", `program ${key} ${before.slice(0, 12)} -> ${digest.slice(0, 12)}`);
    }
    this.state = { ...this.state, programs: { ...this.state.programs, [key]: digest } };
  }

  /** Whether the first batches are those that would have come after the checkpoint. */
  private async compareBatches(batches: readonly Batch[]): Promise<void> {
    const { nextBatches } = this.state;
    if (nextBatches === null) return;
    const digest = digestOf(batches);
    if (digest !== nextBatches) {
      const digests = `${nextBatches.slice(0, 12)} -> ${digest.slice(0, 12)}`;
      await this.options.onChange("code", `batches of step ${this.step + 1} ${digests}`);
    }
    this.state = { ...this.state, nextBatches: null };
  }

  /** @throws UserError when no logged loss has the name that the best checkpoints are best by. */
  private requireMetric({ aux }: StepReport): void {
    const { keepBest, keepBestBy } = this.options.train;
    if (keepBest === 0 || keepBestBy === "loss" || Object.hasOwn(aux, keepBestBy)) return;
    const known = ["loss", ...Object.keys(aux)].join(", ");
    throw new UserError("train.keepBestBy", { expected: `one of ${known}`, got: keepBestBy });
  }
}
