import { assert } from "../base/errors.ts";
import { compareGrids, type Grid } from "../base/grid.ts";
import { floats, type TensorSpec } from "../base/tensors.ts";
import type { GuidanceConfig } from "../diffusion/guidance.ts";
import { type SamplerConfig, solverOf } from "../diffusion/sampler.ts";
import { type JointStage, planFlow } from "../diffusion/solvers/flowPlan.ts";
import type { Solver } from "../diffusion/solvers/solver.ts";
import { Update } from "../diffusion/solvers/update.ts";
import type { EngineMap, Program } from "../engine/engine.ts";
import { PackPlan } from "../models/patches/pack.ts";
import { patchWidth } from "../models/patches/patchify.ts";
import { Denoiser, type FlowTensor, type Texts, type TrainedDiT } from "./denoiser.ts";

/** A clip to be led along the flow. */
export interface FlowClip extends Texts {
  /** Its tokens at the start. Shape: [tokens, values]. */
  readonly start_LP: Float32Array;
  /** Of each frame of tokens, before each step and after the last; equal neighbours stand still. */
  readonly times: readonly (readonly number[])[];
}

/** A look ahead, long before the end. */
export interface Peek {
  /** After so many steps. */
  readonly after: number;
  /** Told each clip's tokens as the model then thinks they will be, x - t v, in the order of the grids. */
  readonly show: (ends: readonly Float32Array[]) => Promise<void>;
}

export interface FlowConfig {
  readonly sampler: SamplerConfig;
  readonly guidance: GuidanceConfig;
}

interface FlowParts {
  /** With weights where the engine computes. */
  readonly trained: TrainedDiT;
  /** Those of the weights that were put there for this flow. */
  readonly own: EngineMap;
  readonly plan: PackPlan;
  /** Which of the given clips each clip of the plan is. */
  readonly order: readonly number[];
  readonly solver: Solver;
  readonly update: Update;
  readonly denoiser: Denoiser;
  readonly program: Program;
}

/**
 * Leads clips of given grids along the flow together, any number of times. A step sends the frames' times and factors;
 * points, velocities and memories stay where the engine computes.
 */
export class Flow {
  private readonly parts: FlowParts;

  private constructor(parts: FlowParts) {
    this.parts = parts;
  }

  /** @param grids of tokens, in any order. */
  static async create(
    { engine, model, weights: given }: TrainedDiT,
    grids: readonly Grid[],
    cfg: FlowConfig,
  ): Promise<Flow> {
    const weights = await engine.place(given);
    const own = Object.fromEntries(Object.entries(weights).filter(([path, tensor]) => tensor !== given[path]));
    const trained = { engine, model, weights };
    const order = [...grids.keys()].sort((a, b) => compareGrids(grids[a] as Grid, grids[b] as Grid));
    const plan = new PackPlan(order.map((i) => grids[i] as Grid));
    const solver = solverOf(cfg.sampler);
    const update = new Update(solver, plan, patchWidth(model.dit.patch, model.latentChannels));
    const denoiser = await Denoiser.create(trained, plan, cfg.guidance);
    const program = await engine.compile(`${cfg.sampler.kind} ${plan.key}`, update.fn, update.inputs);
    return new Flow({ trained, own, plan, order, solver, update, denoiser, program });
  }

  /**
   * @param clips in the order of the grids.
   * @param onStep told after each step how many are done.
   * @param peek told once on the way, if there are so many steps.
   * @returns each clip's tokens at the end; frames that stood still all the way are as they were, to the bit.
   */
  async run(
    clips: readonly FlowClip[],
    onStep: (done: number) => void = () => {},
    peek?: Peek,
  ): Promise<Float32Array[]> {
    const { trained, order, solver, update, denoiser, program } = this.parts;
    const inPlan = order.map((i) => clips[i] as FlowClip);
    const steps = planFlow(
      solver,
      inPlan.flatMap(({ times }) => times),
    );
    const questions = steps.flat().map((stage) => stage.map(({ time }) => time));
    const mixes_FK = floats(update.inputs.mixes_FK?.shape ?? []);
    const tensors = await this.place(inPlan);
    const asked = await denoiser.bind(
      inPlan,
      questions,
      tensors.states.map(([point]) => point as FlowTensor),
      tensors.velocity,
    );
    const updates = tensors.states.map((from, i) =>
      program.bind(
        { v_LP: tensors.velocity, mixes_FK, ...named("state", from) },
        named("new", tensors.states[1 - i] as readonly FlowTensor[]),
      ),
    );
    try {
      let at = 0;
      for (const [step, stages] of steps.entries()) {
        for (const stage of stages) {
          await asked.ask(
            at,
            stage.map(({ time }) => time),
          );
          update.fill(mixes_FK.data, stage);
          await updates[at]?.run();
          at = 1 - at;
        }
        onStep(step + 1);
        const last = stages.at(-1);
        if (peek?.after === step + 1 && last !== undefined) {
          const asked_LP = tensors.states[1 - at]?.[0] as FlowTensor;
          await peek.show(this.split(await this.ahead(asked_LP, tensors.velocity, last), clips));
        }
      }
      const { end } = await trained.engine.fetch({ end: tensors.states[at]?.[0] as FlowTensor });
      return this.split(end?.data as Float32Array, clips);
    } finally {
      for (const binding of updates) binding.dispose();
      asked.dispose();
      trained.engine.release(tensors.all);
    }
  }

  /** Frees its programs. */
  async dispose(): Promise<void> {
    const { trained, own, program, denoiser } = this.parts;
    await program.dispose();
    await denoiser.dispose();
    trained.engine.release(own);
  }

  /** Where the flow would end if it went straight on from the point that was asked last. */
  private async ahead(asked_LP: FlowTensor, velocity: FlowTensor, stage: JointStage): Promise<Float32Array> {
    const { trained, plan } = this.parts;
    const { x, v } = await trained.engine.fetch({ x: asked_LP, v: velocity });
    const end_LP = Float32Array.from(x?.data as Float32Array);
    const numValues = end_LP.length / plan.numTokens;
    for (let i = 0; i < end_LP.length; i++) {
      const frame = plan.frameOfToken[Math.floor(i / numValues)] as number;
      end_LP[i] = (end_LP[i] as number) - (stage[frame]?.time ?? 0) * (v?.data[i] as number);
    }
    return end_LP;
  }

  /** Puts the start where the engine computes, and room for all else. */
  private async place(inPlan: readonly FlowClip[]): Promise<PlacedFlow> {
    const { trained, plan, solver, update } = this.parts;
    const { shape } = update.inputs.v_LP as TensorSpec;
    const start_LP = floats(shape);
    for (const [i, { firstToken, numTokens, grid }] of plan.clips.entries()) {
      const { start_LP: own, times } = inPlan[i] as FlowClip;
      const width = shape[1] as number;
      assert(own.length === numTokens * width && times.length === grid.t, "a clip as its grid says");
      start_LP.data.set(own, firstToken * width);
    }
    const numbers = Array.from({ length: solver.numMemories + 1 }, (_, i) => i);
    const room = (name: string) => numbers.map((i) => [`${name}${i}`, floats(shape)] as const);
    const all = await trained.engine.place({
      ...Object.fromEntries([...room("a"), ...room("b")]),
      a0: start_LP,
      velocity: floats(shape),
    });
    const states = ["a", "b"].map((name) => numbers.map((i) => all[name + i] as FlowTensor));
    return { all, states, velocity: all.velocity as FlowTensor };
  }

  /** Each clip's values, in the order of the grids. */
  private split(x_LP: Float32Array, clips: readonly FlowClip[]): Float32Array[] {
    const { plan, order, update } = this.parts;
    const width = update.inputs.v_LP?.shape[1] as number;
    const values = plan.clips.map(({ firstToken, numTokens }) =>
      x_LP.slice(firstToken * width, (firstToken + numTokens) * width),
    );
    return clips.map((_, i) => values[order.indexOf(i)] as Float32Array);
  }
}

/** Tensors of a run: the point and the memories, in turn in the one list and the other. */
interface PlacedFlow {
  readonly all: EngineMap;
  readonly states: readonly (readonly FlowTensor[])[];
  readonly velocity: FlowTensor;
}

/** `state0_LP`, `state1_LP` ... as `Update` names them. */
function named(prefix: string, tensors: readonly FlowTensor[]): EngineMap {
  return Object.fromEntries(tensors.map((tensor, i) => [`${prefix}${i}_LP`, tensor]));
}
