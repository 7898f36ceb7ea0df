import * as tf from "@tensorflow/tfjs";
import { floats, type HostTensor } from "../base/tensors.ts";
import type { Binding, Engine, TensorFn } from "../engine/engine.ts";
import { type AdamWConfig, emaDecayAt, learningRate } from "./adamw.ts";
import { ChunkPrograms, chunksOf } from "./chunks.ts";
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
const SCALARS = [
  "gradScale",
  "moment1Decay",
  "moment2Decay",
  "stepSize",
  "rootScale",
  "epsilon",
  "keep",
  "emaDecay",
] as const;
type Scalars = Record<(typeof SCALARS)[number], HostTensor & { data: Float32Array }>;

const BUFFERS = ["params", "moment1", "moment2", "ema", "grad"] as const;

/**
 * AdamW and the EMA on one chunk. Shapes: all [N].
 * keep = 1 - lr * weightDecay; rootScale = 1 / sqrt(1 - beta2^step); stepSize = lr / (1 - beta1^step).
 * Source: arXiv:1711.05101, algorithm 2.
 */
const adamwChunk: TensorFn = (x) => {
  const t = x as Record<(typeof BUFFERS)[number] | (typeof SCALARS)[number], tf.Tensor>;
  const grad = tf.mul(t.grad, t.gradScale);
  const moment1 = tf.add(grad, tf.mul(t.moment1Decay, tf.sub(t.moment1, grad)));
  const square = tf.mul(grad, grad);
  const moment2 = tf.add(square, tf.mul(t.moment2Decay, tf.sub(t.moment2, square)));
  const root = tf.add(tf.mul(tf.sqrt(moment2), t.rootScale), t.epsilon);
  const params = tf.sub(tf.mul(t.params, t.keep), tf.mul(t.stepSize, tf.div(moment1, root)));
  const ema = tf.add(params, tf.mul(t.emaDecay, tf.sub(t.ema, params)));
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
    let squares = 0;
    for (const { squares: binding } of this.chunks) {
      await binding.run();
      squares += binding.outputs.sum?.data[0] as number;
    }
    const gradNorm = Math.sqrt(squares);
    const lr = learningRate(this.cfg, step, this.numSteps);
    if (!usable || !Number.isFinite(gradNorm)) return { gradNorm, lr, applied: false };
    this.setScalars(step, lr, Math.min(1, this.cfg.clipNorm / (gradNorm + 1e-6)));
    for (const { update } of this.chunks) await update.run();
    return { gradNorm, lr, applied: true };
  }

  private setScalars(step: number, lr: number, gradScale: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.cfg;
    for (const [group, scalars] of Object.entries(this.scalars)) {
      const values: Record<keyof Scalars, number> = {
        gradScale,
        moment1Decay: beta1,
        moment2Decay: beta2,
        stepSize: lr / (1 - beta1 ** step),
        rootScale: 1 / Math.sqrt(1 - beta2 ** step),
        epsilon,
        keep: group === "decayed" ? 1 - lr * weightDecay : 1,
        emaDecay: emaDecayAt(this.cfg, step),
      };
      for (const name of SCALARS) scalars[name].data[0] = values[name];
    }
  }
}

function allocateScalars(): Scalars {
  return Object.fromEntries(SCALARS.map((name) => [name, floats([])])) as Scalars;
}
