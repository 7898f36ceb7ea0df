import type { Engine, EngineMap, Program } from "../../engine/engine.ts";
import { countOps } from "../../engine/runtime/placement.ts";
import { createProgress, type Progress } from "../../report/progress.ts";
import { TensorBoardWriter } from "../../report/tensorboard.ts";
import type { FlatLayout } from "../../train/flatState.ts";
import type { LoopObserver } from "../../train/loop.ts";
import type { LogLine } from "../../train/meter.ts";
import type { Run } from "../../train/runFolder.ts";
import { RunLog } from "../../train/runLog.ts";
import type { Arrangement } from "../../train/task.ts";

/** A picture that a run made, as an encoded file. */
export interface SamplePicture {
  readonly tag: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Draws sample pictures with these weights, writes them into the run folder and returns them. */
export type DrawSamples = (step: number, weights: EngineMap) => Promise<readonly SamplePicture[]>;

export interface ReporterOptions {
  readonly title: string;
  readonly run: Run;
  readonly engine: Engine;
  readonly numSteps: number;
  readonly drawSamples: DrawSamples;
}

/** Shows a training run on the terminal and writes log.jsonl and TensorBoard events. Its failures never stop the run. */
export class RunReporter implements LoopObserver {
  private readonly options: ReporterOptions;
  private progress: Progress | undefined;
  private log: RunLog | undefined;
  private tensorBoard: TensorBoardWriter | undefined;
  private fromStep = 0;
  /** Told once: what fails at one step mostly fails at the next. */
  private samplesFailed = false;

  constructor(options: ReporterOptions) {
    this.options = options;
  }

  started = async (fromStep: number, layout: FlatLayout, writtenOn?: string): Promise<void> => {
    const { title, run, engine, numSteps } = this.options;
    this.progress = createProgress(title, numSteps, { start: fromStep });
    const complain = (reason: string) => this.progress?.log(reason);
    this.log = await RunLog.open(run.logPath, fromStep, complain);
    this.fromStep = fromStep;
    this.tensorBoard = this.openTensorBoard(fromStep);
    for (const notice of run.notices) this.progress.log(notice);
    for (const change of run.changes) this.log.append({ step: fromStep, change });
    const size = `${(layout.numParams / 1e6).toFixed(2)} M parameters on ${engine.description}`;
    const from =
      fromStep === 0
        ? ""
        : `, resumed at step ${fromStep}${writtenOn === undefined ? "" : `, which was computed on ${writtenOn}`}`;
    this.progress.log(`${title}: ${size} in ${run.dir}${from}`);
  };

  compiled = ({ key }: Arrangement, { compileMs, cached, fallbacks }: Program): void => {
    const how = compileMs === 0 ? "ready" : `compiled in ${Math.round(compileMs)} ms${cached ? " (cached)" : ""}`;
    this.progress?.log(`${how}: ${key}`);
    if (fallbacks.length === 0) return;
    const many = `${fallbacks.length} operations`;
    this.progress?.log(`${key}: the processors compute ${many} (${countOps(fallbacks)}), which is slow`);
  };

  stepped = (step: number, line: LogLine): void => {
    this.progress?.update(step, figures(line));
  };

  logged = ({ step, aux, epochs, ...line }: LogLine): void => {
    const losses = Object.fromEntries(Object.entries(aux).map(([name, value]) => [`loss/${name}`, value]));
    this.log?.append({ step, ...line, ...losses, ...epochs });
    this.tensorBoard?.scalars({ ...line, ...losses, ...epochs }, step);
  };

  skipped = (step: number, reason: string): void => {
    this.progress?.log(`step ${step} left out: ${reason}`);
  };

  wentBack = async (step: number, toStep: number): Promise<void> => {
    this.progress?.log(`step ${step}: too many steps left out; back at step ${toStep}, with the next data`);
    await this.log?.goBack(toStep);
    await this.tensorBoard?.close();
    this.tensorBoard = this.openTensorBoard(toStep);
  };

  /** Tells of something that has changed since the run's last start, and keeps it in the log. */
  changed(difference: string): void {
    this.progress?.log(`${this.options.run.dir}: accepted ${difference}`);
    this.log?.append({ step: this.fromStep, change: difference });
  }

  samples = async (step: number, weights: EngineMap): Promise<void> => {
    try {
      for (const { tag, ...image } of await this.options.drawSamples(step, weights)) {
        this.tensorBoard?.image(tag, image, step);
      }
    } catch (error) {
      if (!this.samplesFailed) {
        this.progress?.log(`no sample pictures at step ${step}: ${error instanceof Error ? error.message : error}`);
      }
      this.samplesFailed = true;
    }
  };

  private openTensorBoard(fromStep: number): TensorBoardWriter {
    const onFailure = (reason: string) => this.progress?.log(reason);
    const resumeStep = fromStep === 0 ? {} : { resumeStep: fromStep };
    return new TensorBoardWriter(this.options.run.tensorBoardDir, { onFailure, ...resumeStep });
  }

  /** Brings log and events to the disk: a checkpoint must not be ahead of them. */
  async sync(): Promise<void> {
    this.log?.sync();
    await this.tensorBoard?.flush();
  }

  async close(): Promise<void> {
    this.progress?.stop();
    this.log?.close();
    await this.tensorBoard?.close();
  }
}

function figures(line: LogLine): string {
  const { loss, epochs, clipsPerSecond, tokensPerSecond, gflops, dataWait, rssMb } = line;
  return [
    `loss ${loss.toPrecision(4)}`,
    ...(epochs.epoch === undefined ? [] : [`epoch ${epochs.epoch.toFixed(2)}`]),
    `${clipsPerSecond.toFixed(1)} clips/s`,
    `${Math.round(tokensPerSecond)} tokens/s`,
    ...(gflops === undefined ? [] : [`${Math.round(gflops)} GFLOP/s`]),
    `data wait ${(100 * dataWait).toFixed(1)} %`,
    `${Math.round(rssMb)} MB`,
  ].join("  ");
}
