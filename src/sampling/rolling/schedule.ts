import { z } from "zod";
import { assert } from "../../base/errors.ts";

export const rollingSchema = z
  .strictObject({
    kind: z
      .enum(["blocks", "frames"])
      .default("blocks")
      .describe(
        "blocks: a window draws its new frames together, after the last ones of the window before; needs " +
          "objective.conditioning.first. frames: each frame begins a few steps after the one before, so that all of a " +
          "window are at different times; needs objective.conditioning.independent.",
      ),
    context: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.4)
      .describe("Share of a window that is finished frames to go on from. 0.4: two latent frames of five tell motion."),
  })
  .describe("How clips longer than the model's window are drawn.");
export type RollingConfig = z.output<typeof rollingSchema>;

export interface RollingExtent {
  /** Frames of the clip, and how many of its first are given. */
  readonly numFrames: number;
  readonly numGiven: number;
  /** Frames that the model sees at once. */
  readonly window: number;
  /** Steps from noise to clip. */
  readonly steps: number;
}

/**
 * When each frame of a long clip goes from noise to clip, and which window of frames the model sees meanwhile.
 * With S steps, frame i has delay d_i and at step m the level K = clip(S + d_i - m, 0, S): S is noise, 0 is finished.
 * `frames`: d_i = floor(u i) with u = S / (window - context). `blocks`: d_i = S b where i is in block b.
 * Source: arXiv:2407.01392, appendix on sampling schedules.
 */
export class RollingSchedule {
  private readonly delays: readonly number[];
  private readonly extent: RollingExtent;

  constructor({ kind, context }: RollingConfig, extent: RollingExtent) {
    const { numFrames, numGiven, window, steps } = extent;
    assert(window > 1 && numGiven < numFrames, "a window has room for finished frames and new ones");
    this.extent = extent;
    const numKept = Math.min(window - 1, Math.max(1, Math.round(context * window)));
    const numNew = window - numKept;
    const firstBlock = Math.max(numNew, window - numGiven);
    this.delays = Array.from({ length: numFrames - numGiven }, (_, i) =>
      kind === "frames"
        ? Math.floor((i * steps) / numNew)
        : steps * Math.max(0, Math.ceil((i + 1 - firstBlock) / numNew)),
    );
  }

  /** Steps until all frames are finished. */
  get numSteps(): number {
    return this.extent.steps + (this.delays.at(-1) ?? 0);
  }

  /** Steps at which frames begin, and the end: between two of them the window stands still. */
  get turns(): number[] {
    return [...new Set([...this.delays, this.numSteps])];
  }

  /** Steps that a frame has left at a step, from all of them to 0. */
  levelAt(step: number, frame: number): number {
    const { numGiven, steps } = this.extent;
    if (frame < numGiven) return 0;
    return Math.min(steps, Math.max(0, steps + (this.delays[frame - numGiven] as number) - step));
  }

  /** The frame in the middle of those on their way after a step: some nearer to a clip, some to noise. */
  middleAt(step: number): number {
    const oldest = this.delays.findIndex((delay) => step < delay + this.extent.steps);
    return Math.ceil((this.extent.numGiven + Math.max(0, oldest) + this.newestAt(step)) / 2);
  }

  /** The last frame that has begun at a step. */
  newestAt(step: number): number {
    return this.extent.numGiven + this.delays.findLastIndex((delay) => delay <= step);
  }

  /** The first frame of the window at a step: as many frames before the newest as fit. */
  windowAt(step: number): number {
    const { numFrames, window } = this.extent;
    return Math.max(0, Math.min(this.newestAt(step) - window + 1, numFrames - window));
  }
}
