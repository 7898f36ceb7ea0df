import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorSpec } from "../base/tensors.ts";
import { takeRows } from "../engine/ops/index.ts";
import { PackPlan } from "../models/patches/pack.ts";
import type { ModelProgram } from "../models/program.ts";
import { denoiseProgram, type LatentModel } from "./ditPrograms.ts";
import type { GuidanceConfig } from "./guidance.ts";
import { guide } from "./guide.ts";

/** True when the guidance adds up differences from question to question. */
export function hasTrend(cfg: GuidanceConfig): boolean {
  return cfg.kind === "apg" && cfg.momentum !== 0;
}

/**
 * The guided velocity at a point: the model sees every clip of the plan twice, with its prompt and then with its
 * negative one. Inputs: those of `denoiseProgram`, text_CR having these two rows for each clip; scale_F, each frame's
 * guidance, 1 for none; trend_LP, where the guidance has one (`hasTrend`).
 * Outputs: v_LP; newTrend_LP where there is a trend.
 */
export function guidedProgram(model: LatentModel, plan: PackPlan, cfg: GuidanceConfig): ModelProgram {
  const pairs = new PackPlan(plan.clips.flatMap(({ grid }) => [grid, grid]));
  const twice = denoiseProgram(model, pairs);
  const rows: TensorSpec = { shape: [plan.numTokens, twice.inputs.x_LP?.shape[1] as number], dtype: "float32" };
  const frames: TensorSpec = { shape: [plan.numFrames], dtype: "float32" };
  return {
    inputs: {
      ...twice.inputs,
      x_LP: rows,
      t_F: frames,
      scale_F: frames,
      ...(hasTrend(cfg) ? { trend_LP: rows } : {}),
    },
    fn(p, inputs) {
      const { x_LP, t_F, scale_F, trend_LP } = inputs as GuidedInputs;
      const t_F1 = tf.reshape(t_F, [-1, 1]) as Tensor2D;
      const { v_LP } = twice.fn(p, {
        ...inputs,
        x_LP: takeRows(
          x_LP,
          doubled(plan, "firstToken", ({ numTokens }) => numTokens),
        ),
        t_F: tf.reshape(
          takeRows(
            t_F1,
            doubled(plan, "firstFrame", ({ grid }) => grid.t),
          ),
          [-1],
        ),
      });
      const half = (parity: number) => takeRows(v_LP as Tensor2D, tokensOfHalf(pairs, parity));
      const guided = guide(cfg, plan, plan.open(), {
        x_LP,
        conditional_LP: half(0),
        unconditional_LP: half(1),
        t_F,
        scale_F,
        trend_LP,
      });
      return { v_LP: guided.v_LP, ...(guided.trend_LP === undefined ? {} : { newTrend_LP: guided.trend_LP }) };
    },
  };
}

type GuidedInputs = { x_LP: Tensor2D; t_F: Tensor1D; scale_F: Tensor1D; trend_LP: Tensor2D | undefined };
type Span = PackPlan["clips"][number];

/** Rows of a plan's tokens or frames, those of each clip twice. */
function doubled(plan: PackPlan, first: "firstToken" | "firstFrame", count: (span: Span) => number): Tensor1D {
  return rowIndices(
    plan.clips.flatMap((span) => [
      [span[first], count(span)],
      [span[first], count(span)],
    ]),
  );
}

/** Rows of the tokens of every other clip. */
function tokensOfHalf(pairs: PackPlan, parity: number): Tensor1D {
  const half = pairs.clips.filter((_, clip) => clip % 2 === parity);
  return rowIndices(half.map(({ firstToken, numTokens }) => [firstToken, numTokens]));
}

function rowIndices(stretches: readonly (readonly [first: number, count: number])[]): Tensor1D {
  const rows = stretches.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
  return tf.tensor1d(Int32Array.from(rows), "int32");
}
