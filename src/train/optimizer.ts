import * as tf from "@tensorflow/tfjs";
import { floats, type HostTensor } from "../base/tensors.ts";
import type { Binding, Engine, TensorFn } from "../engine/engine.ts";
import { type AdamWConfig, emaDecayAt, learningRate } from "./adamw.ts";
import { ChunkPrograms, chunksOf, inLanes } from "./chunks.ts";
import type { FlatLayout } from "./flatState.ts";

/** Flat buffers of one layout that the optimizer updates in place; grad it only reads. */
export interface OptimizerBuffers {
  readonly params: Float32Array;
  readonly moment1: Float32Array;
  readonly moment2: Float32Array;
  readonly ema: Float32Array;
  readonly grad: Float32Array;
}

/** The scalars that change from step to step. */
const SCALARS = ["gradScale", "beta1", "beta2", "stepSize", "epsilon", "keep", "emaDecay"] as const;
type Scalars = Record<(typeof SCALARS)[number], HostTensor & { data: Float32Array }>;

const BUFFERS = ["params", "moment1", "moment2", "ema", "grad"] as const;

/**
 * AdamW and the EMA on one chunk. Shapes: all [N].
 * The moments are kept as plain sums, m = beta1 m + g and v = beta2 v + g^2, that is Adam's divided by 1 - beta: three
 * passes over memory fewer. stepSize and epsilon take the factors back (`scalarsAt`).
 * Source: arXiv:1711.05101, algorithm 2.
 */
const adamwChunk: TensorFn = (x) => {
  const t = x as Record<(typeof BUFFERS)[number] | (typeof SCALARS)[number], tf.Tensor>;
  const grad = tf.mul(t.grad, t.gradScale);
  const moment1 = tf.add(tf.mul(t.moment1, t.beta1), grad);
  const moment2 = tf.add(tf.mul(t.moment2, t.beta2), tf.mul(grad, grad));
  const step = tf.div(moment1, tf.add(tf.sqrt(moment2), t.epsilon));
  const params = tf.sub(tf.mul(t.params, t.keep), tf.mul(step, t.stepSize));
  const ema = tf.add(params, tf.mul(tf.sub(t.ema, params), t.emaDecay));
  return { newParams: params, newMoment1: moment1, newMoment2: moment2, newEma: ema };
};

const squaresChunk: TensorFn = ({ grad }) => ({ sum: tf.sum(tf.square(grad as tf.Tensor)) });

interface Chunk {
  readonly update: Binding;
  readonly squares: Binding;
}

/** What one update did. */
export interface UpdateReport {
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly lr: number;
  /** False when the loss or the gradient was not finite: then nothing was changed. */
  readonly applied: boolean;
}

/** AdamW over flat buffers, run in chunks by the engine. State is in the buffers and the step number alone. */
export class Optimizer {
  private readonly cfg: AdamWConfig;
  private readonly numSteps: number;
  private readonly scalars: Record<"decayed" | "free", Scalars>;
  private readonly chunks: readonly Chunk[];

  private constructor(cfg: AdamWConfig, numSteps: number, scalars: Optimizer["scalars"], chunks: readonly Chunk[]) {
    this.cfg = cfg;
    this.numSteps = numSteps;
    this.scalars = scalars;
    this.chunks = chunks;
  }

  static async create(
    engine: Engine,
    cfg: AdamWConfig,
    layout: FlatLayout,
    buffers: OptimizerBuffers,
    numSteps: number,
  ): Promise<Optimizer> {
    const programs = new ChunkPrograms(engine);
    const scalars = { decayed: allocateScalars(), free: allocateScalars() };
    const chunks: Chunk[] = [];
    for (const { start, end, decayed } of chunksOf(layout)) {
      const size = end - start;
      const views = Object.fromEntries(
        BUFFERS.map((name) => [name, floats([size], buffers[name].subarray(start, end))]),
      ) as Record<(typeof BUFFERS)[number], HostTensor>;
      const { grad, params, moment1, moment2, ema } = views;
      const updated = { newParams: params, newMoment1: moment1, newMoment2: moment2, newEma: ema };
      const inputs = { ...views, ...scalars[decayed ? "decayed" : "free"] };
      chunks.push({
        update: (await programs.get("adamw", adamwChunk, size, BUFFERS, SCALARS)).bind(inputs, updated),
        squares: (await programs.get("squares", squaresChunk, size, ["grad"], [])).bind({ grad }),
      });
    }
    return new Optimizer(cfg, numSteps, scalars, chunks);
  }

  /**
   * Applies the gradient as step number `step` (first is 1).
   * @param usable false when the gradient must not be applied although it may be finite: its loss is not.
   */
  async update(step: number, usable = true): Promise<UpdateReport> {
    await inLanes(this.chunks, ({ squares }) => squares.run());
    const gradNorm = Math.sqrt(this.chunks.reduce((sum, { squares }) => sum + (squares.outputs.sum?.data[0] ?? 0), 0));
    const lr = learningRate(this.cfg, step, this.numSteps);
    if (!usable || !Number.isFinite(gradNorm)) return { gradNorm, lr, applied: false };
    this.setScalars(step, lr, Math.min(1, this.cfg.clipNorm / (gradNorm + 1e-6)));
    await inLanes(this.chunks, ({ update }) => update.run());
    return { gradNorm, lr, applied: true };
  }

  private setScalars(step: number, lr: number, gradScale: number): void {
    for (const [group, scalars] of Object.entries(this.scalars)) {
      const values = scalarsAt(this.cfg, step, lr, gradScale, group === "decayed");
      for (const name of SCALARS) scalars[name].data[0] = values[name];
    }
  }
}

/**
 * Adam's update in terms of the plain sums M = m / (1 - beta1) and V = v / (1 - beta2):
 * lr mHat / (sqrt(vHat) + eps) = lr (1 - beta1) / ((1 - beta1^step) r) M / (sqrt(V) + eps / r),
 * with r = sqrt((1 - beta2) / (1 - beta2^step)).
 */
function scalarsAt(
  cfg: AdamWConfig,
  step: number,
  lr: number,
  gradScale: number,
  decayed: boolean,
): Record<keyof Scalars, number> {
  const { beta1, beta2, epsilon, weightDecay } = cfg;
  const root = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
  return {
    gradScale,
    beta1,
    beta2,
    stepSize: (lr * (1 - beta1)) / ((1 - beta1 ** step) * root),
    epsilon: epsilon / root,
    keep: decayed ? 1 - lr * weightDecay : 1,
    emaDecay: emaDecayAt(cfg, step),
  };
}

function allocateScalars(): Scalars {
  return Object.fromEntries(SCALARS.map((name) => [name, floats([])])) as Scalars;
}
