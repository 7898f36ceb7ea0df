import { floats, ints } from "../../src/base/tensors.ts";
import type { CheckpointContent } from "../../src/train/checkpoint.ts";

/** A small checkpoint whose every number depends on the step. */
export function contentOf(step: number) {
  const values = (length: number, scale: number) => Float32Array.from({ length }, (_, i) => Math.sin(step + i * scale));
  return {
    step,
    tensors: {
      model: { "a.w": floats([8, 4], values(32, 1)), "a.b": floats([4], values(4, 2)) },
      ema: { "a.w": floats([8, 4], values(32, 3)), "a.b": floats([4], values(4, 4)) },
      optimizer: { "moment1/a.w": floats([8, 4], values(32, 5)), count: ints([], Int32Array.of(step)) },
    },
    state: { cursor: { epoch: 0, sample: step * 4 }, skipped: 0 },
    config: `train: { steps: 100 } # at ${step}\n`,
  } satisfies CheckpointContent;
}
