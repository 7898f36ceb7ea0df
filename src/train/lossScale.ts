import { z } from "zod";
import type { Engine } from "../engine/engine.ts";

/** Where the scale starts and how it moves. Source: arXiv:1710.03740, section 3.2; the figures are the usual ones. */
const START = 2 ** 16;
const LEAST = 1;
const MOST = 2 ** 24;
const FACTOR = 2;
const STEPS_TO_GROW = 2000;

export const lossScaleSchema = z.strictObject({
  scale: z.number().min(LEAST).max(MOST),
  /** Updates since the scale last changed. */
  goodSteps: z.int().nonnegative(),
});
/** What a checkpoint keeps of the scale. */
export type LossScaleState = z.output<typeof lossScaleSchema>;

/**
 * The factor of the loss that keeps 16-bit gradients from vanishing: halved when a gradient overflows, doubled after
 * many steps without.
 */
export class LossScale {
  private current: LossScaleState;

  constructor(state: LossScaleState = { scale: START, goodSteps: 0 }) {
    this.current = state;
  }

  /** A scale where the engine's products have the narrow range of f16; undefined elsewhere. */
  static for(engine: Engine, state?: LossScaleState | null): LossScale | undefined {
    return engine.precision === "f16" ? new LossScale(state ?? undefined) : undefined;
  }

  get state(): LossScaleState {
    return this.current;
  }

  get value(): number {
    return this.current.scale;
  }

  /** Takes note of a step. @returns false when a gradient overflowed although the scale is at its least. */
  note(finite: boolean): boolean {
    const { scale, goodSteps } = this.current;
    if (!finite) {
      this.current = { scale: Math.max(LEAST, scale / FACTOR), goodSteps: 0 };
      return scale > LEAST;
    }
    const grows = goodSteps + 1 >= STEPS_TO_GROW;
    this.current = grows
      ? { scale: Math.min(MOST, scale * FACTOR), goodSteps: 0 }
      : { scale, goodSteps: goodSteps + 1 };
    return true;
  }
}
