import * as tf from "@tensorflow/tfjs";
import { sha256OfJson } from "../base/hash.ts";
import { floats, type HostTensor } from "../base/tensors.ts";
import { traceProgram } from "../engine/compile.ts";
import type { Engine, HostMap, TensorFn } from "../engine/engine.ts";
import { type AdamWConfig, emaDecayAt, learningRate } from "./adamw.ts";
import type { FlatLayout } from "./flatState.ts";
import { type MuonConfig, muonUpdate } from "./muon.ts";
import type { StateBuffer } from "./stateBuffer.ts";
import { matricesOf, statePartsOf } from "./stateParts.ts";
import { StateProgram } from "./stateProgram.ts";

/** Buffers of one layout that the optimizer updates in place; grad it only reads. */
export type OptimizerBuffers = Readonly<Record<(typeof BUFFERS)[number], StateBuffer>>;

/** The scalars that change from step to step: AdamW's, and those of Muon. */
const SCALARS = ["gradScale", "beta1", "beta2", "stepSize", "epsilon", "keep", "emaDecay"] as const;
const MUON_SCALARS = ["gradScale", "lr", "keep", "emaDecay"] as const;
type Scalar = (typeof SCALARS)[number] | (typeof MUON_SCALARS)[number];
type Scalars = Record<Scalar, HostTensor & { data: Float32Array }>;

const BUFFERS = ["params", "moment1", "moment2", "ema", "grad"] as const;

/**
 * AdamW and the EMA. Shapes: all alike, scalars apart.
 * The moments are kept as plain sums, m = beta1 m + g and v = beta2 v + g^2, that is Adam's divided by 1 - beta: three
 * passes over memory fewer. stepSize and epsilon take the factors back (`scalarsAt`).
 * Source: arXiv:1711.05101, algorithm 2.
 */
const adamw: TensorFn = (x) => {
  const t = x as Record<(typeof BUFFERS)[number] | (typeof SCALARS)[number], tf.Tensor>;
  const grad = tf.mul(t.grad, t.gradScale);
  const moment1 = tf.add(tf.mul(t.moment1, t.beta1), grad);
  const moment2 = tf.add(tf.mul(t.moment2, t.beta2), tf.mul(grad, grad));
  const step = tf.div(moment1, tf.add(tf.sqrt(moment2), t.epsilon));
  const params = tf.sub(tf.mul(t.params, t.keep), tf.mul(step, t.stepSize));
  const ema = tf.add(params, tf.mul(tf.sub(t.ema, params), t.emaDecay));
  return { newParams: params, newMoment1: moment1, newMoment2: moment2, newEma: ema };
};

const squares: TensorFn = ({ grad }) => ({ sum: tf.sum(tf.square(grad as tf.Tensor)) });

/** What one update did. */
export interface UpdateReport {
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly lr: number;
  /** False when the loss or the gradient was not finite: then nothing was changed. */
  readonly applied: boolean;
}

/** AdamW over state buffers, run by the engine. State is in the buffers and the step number alone. */
export class Optimizer {
  private readonly cfg: AdamWConfig;
  private readonly numSteps: number;
  private readonly scalars: Record<"decayed" | "free", Scalars>;
  private readonly squares: StateProgram;
  private readonly updates: readonly StateProgram[];

  private constructor(
    cfg: AdamWConfig,
    numSteps: number,
    scalars: Optimizer["scalars"],
    programs: { readonly squares: StateProgram; readonly updates: readonly StateProgram[] },
  ) {
    this.cfg = cfg;
    this.numSteps = numSteps;
    this.scalars = scalars;
    this.squares = programs.squares;
    this.updates = programs.updates;
  }

  static async create(
    engine: Engine,
    cfg: AdamWConfig,
    layout: FlatLayout,
    buffers: OptimizerBuffers,
    numSteps: number,
  ): Promise<Optimizer> {
    const { params, moment1, moment2, ema, grad } = buffers;
    const scalars = { decayed: allocateScalars(), free: allocateScalars() };
    const hidden = layout.groups.filter((group) => cfg.muon !== undefined && group.hidden);
    const updates = [
      await StateProgram.create(engine, layout, {
        name: "adamw",
        fn: adamw,
        reads: { params, moment1, moment2, ema, grad },
        writes: { newParams: params, newMoment1: moment1, newMoment2: moment2, newEma: ema },
        scalars: only(SCALARS, scalars),
        parts: statePartsOf(
          engine,
          layout,
          layout.groups.filter((group) => !hidden.includes(group)),
        ),
      }),
    ];
    if (cfg.muon !== undefined) {
      const muon = await StateProgram.create(engine, layout, {
        name: "muon",
        fn: muonUpdate(cfg.muon),
        reads: { params, moment1, ema, grad },
        writes: { newParams: params, newMoment1: moment1, newEma: ema },
        scalars: only(MUON_SCALARS, scalars),
        parts: hidden.flatMap((group) => matricesOf(engine, layout, group)),
      });
      updates.push(muon);
    }
    const programs = {
      squares: await StateProgram.create(engine, layout, {
        name: "squares",
        fn: squares,
        reads: { grad },
        writes: {},
        sums: ["sum"],
      }),
      updates,
    };
    return new Optimizer(cfg, numSteps, scalars, programs);
  }

  /**
   * Applies the gradient as step number `step` (first is 1).
   * @param usable false when the gradient must not be applied although it may be finite: its loss is not.
   * @param lossScale factor that the gradient has over the true one.
   */
  async update(step: number, usable = true, lossScale = 1): Promise<UpdateReport> {
    await this.squares.run();
    const gradNorm = Math.sqrt(this.squares.sum("sum")) / lossScale;
    const lr = learningRate(this.cfg, step, this.numSteps);
    if (!usable || !Number.isFinite(gradNorm)) return { gradNorm, lr, applied: false };
    this.setScalars(step, lr, Math.min(1, this.cfg.clipNorm / (gradNorm + 1e-6)) / lossScale);
    for (const program of this.updates) await program.run();
    return { gradNorm, lr, applied: true };
  }

  private setScalars(step: number, lr: number, gradScale: number): void {
    for (const [group, scalars] of Object.entries(this.scalars)) {
      const values = scalarsAt(this.cfg, step, lr, gradScale, group === "decayed");
      for (const name of Object.keys(scalars) as Scalar[]) scalars[name].data[0] = values[name];
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
): Record<Scalar, number> {
  const { beta1, beta2, epsilon, weightDecay } = cfg;
  const root = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
  return {
    gradScale,
    lr,
    beta1,
    beta2,
    stepSize: (lr * (1 - beta1)) / ((1 - beta1 ** step) * root),
    epsilon: epsilon / root,
    keep: decayed ? 1 - lr * weightDecay : 1,
    emaDecay: emaDecayAt(cfg, step),
  };
}

/**
 * Tells what the optimizer computes from what another code would compute: its recorded update, and the scalars of the
 * first, the middle and the last step. 64 hex digits.
 */
export function optimizerDigest(cfg: AdamWConfig, numSteps: number): string {
  const specs = [...BUFFERS, ...SCALARS].map((name) => [name, { shape: [], dtype: "float32" }] as const);
  const { digest } = traceProgram("adamw", adamw, Object.fromEntries(specs));
  const steps = [1, Math.ceil(numSteps / 2), numSteps];
  const scalars = steps.map((step) => scalarsAt(cfg, step, learningRate(cfg, step, numSteps), 1, true));
  return sha256OfJson({ digest, scalars, ...(cfg.muon !== undefined && { muon: muonDigest(cfg.muon) }) });
}

/** Of a square matrix and a wide one, since they iterate differently. */
function muonDigest(cfg: MuonConfig): string[] {
  const scalars = MUON_SCALARS.map((name) => [name, { shape: [], dtype: "float32" }] as const);
  return [
    [2, 2],
    [2, 3],
  ].map((shape) => {
    const matrices = ["params", "moment1", "ema", "grad"].map((name) => [name, { shape, dtype: "float32" }] as const);
    return traceProgram("muon", muonUpdate(cfg), Object.fromEntries([...scalars, ...matrices])).digest;
  });
}

function allocateScalars(): Scalars {
  return Object.fromEntries([...SCALARS, ...MUON_SCALARS].map((name) => [name, floats([])])) as Scalars;
}

/** The scalars of both groups that one program reads. */
function only(names: readonly Scalar[], { decayed, free }: Optimizer["scalars"]): Record<"decayed" | "free", HostMap> {
  const pick = (all: Scalars) => Object.fromEntries(names.map((name) => [name, all[name]]));
  return { decayed: pick(decayed), free: pick(free) };
}
