import { z } from "zod";
import type { StepReport } from "./step.ts";
import type { Batch } from "./task.ts";

const BYTES_PER_MB = 1e6;

/** One line of log.jsonl. Losses are means over the steps since the line before, those left out excepted. */
export interface LogLine {
  readonly step: number;
  readonly loss: number;
  readonly aux: Readonly<Record<string, number>>;
  /** How often clips came so far: `epoch`, and `epoch/<source>` where there are several. */
  readonly epochs: Readonly<Record<string, number>>;
  readonly lr: number;
  readonly gradNorm: number;
  readonly clipsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Products per second in units of 1e9, or undefined where the engine does not count them. */
  readonly gflops?: number;
  /** Share of the time that was spent waiting for batches, in [0, 1]. */
  readonly dataWait: number;
  readonly rssMb: number;
  /** Steps that were left out so far. */
  readonly skipped: number;
  /** How often the run went back to a checkpoint so far. */
  readonly rollbacks: number;
}

/** What the meter knows of a log line. */
export type MeterLine = Omit<LogLine, "skipped" | "rollbacks">;

/** Sums of losses since the last log line. A checkpoint keeps them, so that a resumed run logs the same numbers. */
export const lossSumsSchema = z.strictObject({
  steps: z.int().nonnegative(),
  loss: z.number(),
  aux: z.record(z.string(), z.number()),
});
export type LossSums = z.output<typeof lossSumsSchema>;

export const NO_LOSSES: LossSums = { steps: 0, loss: 0, aux: {} };

/** Sums up steps between two log lines. */
export class Meter {
  private sums: LossSums;
  private work = noWork();
  private since = performance.now();

  /** @param sums what a checkpoint kept. */
  constructor(sums: LossSums) {
    this.sums = sums;
  }

  get losses(): LossSums {
    return this.sums;
  }

  /** Takes in a step that waited so long for its batches; returns the figures since the last flush. A line of left out steps alone has the last one's loss. */
  measure(step: number, report: StepReport, batches: readonly Batch[], waitedMs: number): MeterLine {
    if (report.applied) this.sums = addLosses(this.sums, report);
    const { work } = this;
    work.waitedMs += waitedMs;
    if (report.flops === undefined) work.countsFlops = false;
    else work.flops += report.flops;
    for (const { numClips, numTokens } of batches) {
      work.clips += numClips;
      work.tokens += numTokens;
    }
    const { loss, aux } = meansOf(this.sums.steps > 0 ? this.sums : addLosses(NO_LOSSES, report));
    const seconds = (performance.now() - this.since) / 1000;
    return {
      step,
      loss,
      aux,
      epochs: batches.at(-1)?.epochs ?? {},
      lr: report.lr,
      gradNorm: report.gradNorm,
      clipsPerSecond: work.clips / seconds,
      tokensPerSecond: work.tokens / seconds,
      ...(work.countsFlops ? { gflops: work.flops / seconds / 1e9 } : {}),
      dataWait: Math.min(1, work.waitedMs / 1000 / seconds),
      rssMb: process.memoryUsage.rss() / BYTES_PER_MB,
    };
  }

  /** Goes back to what a checkpoint kept. */
  restore(sums: LossSums): void {
    this.sums = sums;
    this.restartClock();
  }

  /** Begins a new log line. */
  flush(): void {
    this.sums = NO_LOSSES;
    this.restartClock();
  }

  /** Keeps work that is not training (sample pictures, compiling) out of the rates. */
  restartClock(): void {
    this.since = performance.now();
    this.work = noWork();
  }
}

/** Mean losses of the steps; no numbers when there are none. */
export function meansOf({ steps, loss, aux }: LossSums): { loss: number; aux: Record<string, number> } {
  const means = Object.entries(aux).map(([name, sum]) => [name, sum / steps] as const);
  return { loss: loss / steps, aux: Object.fromEntries(means) };
}

function noWork() {
  return { clips: 0, tokens: 0, flops: 0, countsFlops: true, waitedMs: 0 };
}

/** The sums with a step's losses. */
export function addLosses(sums: LossSums, report: StepReport): LossSums {
  const aux = { ...sums.aux };
  for (const [name, value] of Object.entries(report.aux)) aux[name] = (aux[name] ?? 0) + value;
  return { steps: sums.steps + 1, loss: sums.loss + report.loss, aux };
}
