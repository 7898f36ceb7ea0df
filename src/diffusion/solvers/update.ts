import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import type { TensorSpec } from "../../base/tensors.ts";
import type { Signature, TensorFn } from "../../engine/engine.ts";
import type { PackPlan } from "../../models/patches/pack.ts";
import type { JointStage } from "./flowPlan.ts";
import { type Mix, type Solver, stands } from "./solver.ts";

/** A factor that is not zero in some stage: what goes into which result. */
interface Factor {
  /** 0: the velocity, 1: the point, then the memories. */
  readonly from: number;
  /** 0: the point, then the memories. */
  readonly to: number;
}

/** Times of a track that leave out no factor: enough steps for every memory to be used, and a last one that arrives. */
const SAMPLE_TIMES = [0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0];

/**
 * What a solver does with an answer, as a program over a pack whose frames each have their own mixes: every solver,
 * schedule and run of a plan is this one program with other numbers in `mixes_FK`.
 * Inputs: v_LP, state0_LP the point, state1_LP ... the memories; mixes_FK, per frame whether it moves, then its factors.
 * Outputs: new0_LP ...; a frame that stands keeps every bit.
 */
export class Update {
  readonly inputs: Signature;
  private readonly plan: PackPlan;
  private readonly factors: readonly Factor[];
  private readonly numStates: number;

  constructor(solver: Solver, plan: PackPlan, valuesPerToken: number) {
    this.plan = plan;
    this.numStates = solver.numMemories + 1;
    this.factors = factorsOf(solver.plan(SAMPLE_TIMES).flatMap((stages) => stages.map(({ next }) => next)));
    const rows: TensorSpec = { shape: [plan.numTokens, valuesPerToken], dtype: "float32" };
    const states = Array.from({ length: this.numStates }, (_, i) => [`state${i}_LP`, rows] as const);
    this.inputs = {
      v_LP: rows,
      ...Object.fromEntries(states),
      mixes_FK: { shape: [plan.numFrames, 1 + this.factors.length], dtype: "float32" },
    };
  }

  readonly fn: TensorFn = (inputs) => {
    const pack = this.plan.open();
    const sources = ["v_LP", ...this.stateNames].map((name) => inputs[name] as Tensor2D);
    const strips = pack.framesToStrips(inputs.mixes_FK as Tensor2D);
    const results = this.stateNames.map((_, to) => {
      const factors = [...this.factors.entries()].filter(([, factor]) => factor.to === to);
      const used = [to + 1, ...factors.map(([, { from }]) => from)].map((from) => sources[from] as Tensor2D);
      const next_LP = pack.mapStrips(used, [strips], ([here, ...terms], [mixes]) => {
        const column = (index: number) => tf.slice(mixes as Tensor3D, [0, 0, index], [-1, 1, 1]);
        const scaled = terms.map((term, i) => tf.mul(term, column(1 + (factors[i]?.[0] as number))));
        return tf.where(tf.greater(column(0), 0), tf.addN(scaled), here as Tensor3D);
      });
      return [`new${to}_LP`, next_LP] as const;
    });
    return Object.fromEntries(results);
  };

  /** Writes what a stage asks of each frame. @param mixes_FK of the input's shape. */
  fill(mixes_FK: Float32Array, stage: JointStage): void {
    const width = 1 + this.factors.length;
    for (const [frame, track] of stage.entries()) {
      mixes_FK[frame * width] = stands(track) ? 0 : 1;
      for (const [k, { from, to }] of this.factors.entries()) {
        mixes_FK[frame * width + 1 + k] = track.next[to]?.[from] as number;
      }
      assert(
        stands(track) || track.next.every((mix, to) => mix.every((value, from) => value === 0 || this.has(from, to))),
        "the program has every factor of the stage",
      );
    }
  }

  private has(from: number, to: number): boolean {
    return this.factors.some((factor) => factor.from === from && factor.to === to);
  }

  private get stateNames(): string[] {
    return Array.from({ length: this.numStates }, (_, i) => `state${i}_LP`);
  }
}

function factorsOf(stages: readonly (readonly Mix[])[]): Factor[] {
  const [first = []] = stages;
  const all = first.flatMap((mix, to) => mix.map((_, from) => ({ from, to })));
  return all.filter(({ from, to }) => stages.some((mixes) => mixes[to]?.[from] !== 0));
}
