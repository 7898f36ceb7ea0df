import { withoutPrefix } from "../base/tensors.ts";
import type { Engine, HostMap, Program } from "../engine/engine.ts";
import type { AdamWConfig } from "./adamw.ts";
import type { FlatLayout } from "./flatState.ts";
import { AUX, compileGradient } from "./gradientProgram.ts";
import { Lane } from "./lane.ts";
import type { LossScale } from "./lossScale.ts";
import { Optimizer, type UpdateReport } from "./optimizer.ts";
import { StateBuffer } from "./stateBuffer.ts";
import type { Arrangement, Batch } from "./task.ts";

/** The buffers that are a training run's state. */
export interface TrainBuffers {
  readonly params: StateBuffer;
  readonly ema: StateBuffer;
  readonly moment1: StateBuffer;
  readonly moment2: StateBuffer;
}

/** What one step did; losses are means over the step's batches. */
export interface StepReport extends UpdateReport {
  readonly loss: number;
  readonly aux: Readonly<Record<string, number>>;
  /** Floating-point operations of the step's products; undefined where the engine does not count. */
  readonly flops: number | undefined;
  /** True when 16-bit gradients overflowed, which a smaller scale of the loss will mend. */
  readonly overflowed: boolean;
}

export interface StepOptions {
  readonly engine: Engine;
  readonly layout: FlatLayout;
  readonly buffers: TrainBuffers;
  readonly optim: AdamWConfig;
  readonly numSteps: number;
  /** Batches whose gradients are averaged in one step. */
  readonly numParts: number;
  /** Batches computed at once. It changes speed and memory, not one bit of the result. 1 when not given. */
  readonly numLanes?: number;
  /** Where gradients are 16 bits wide: the factor of the loss, which each step moves. */
  readonly lossScale?: LossScale | undefined;
  /** Awaited before the program is used. */
  onCompiled(arrangement: Arrangement, program: Program): void | Promise<void>;
}

/** Runs training steps: gradient program of each batch's arrangement, accumulation, optimizer. */
export class StepRunner {
  private readonly options: StepOptions;
  private readonly lanes: readonly Lane[];
  private readonly optimizer: Optimizer;
  private readonly programs = new Map<string, Program>();

  private constructor(options: StepOptions, lanes: readonly Lane[], optimizer: Optimizer) {
    this.options = options;
    this.lanes = lanes;
    this.optimizer = optimizer;
  }

  static async create(options: StepOptions): Promise<StepRunner> {
    const { engine, layout, buffers, optim, numSteps, numParts, numLanes = 1 } = options;
    const total = await StateBuffer.place(engine, layout);
    const lanes: Lane[] = [];
    for (let lane = 0; lane < Math.min(numLanes, numParts); lane++) {
      lanes.push(await Lane.create(engine, layout, buffers.params, total, 1 / numParts));
    }
    const optimizer = await Optimizer.create(engine, optim, layout, { ...buffers, grad: total }, numSteps);
    return new StepRunner(options, lanes, optimizer);
  }

  /**
   * Makes update number `step` (first is 1) from the gradients of these batches.
   * @param maxLoss a mean loss above it leaves the update out, as one that is not finite does.
   */
  async step(step: number, batches: readonly Batch[], maxLoss = Number.POSITIVE_INFINITY): Promise<StepReport> {
    const { lossScale } = this.options;
    const scale = lossScale?.value ?? 1;
    let loss = 0;
    let flops: number | undefined = 0;
    const aux: Record<string, number> = {};
    for (let first = 0; first < batches.length; first += this.lanes.length) {
      const round = batches.slice(first, first + this.lanes.length);
      const programs: Program[] = [];
      for (const { arrangement } of round) programs.push(await this.program(arrangement));
      const outputs = await Promise.all(
        round.map((batch, lane) => (this.lanes[lane] as Lane).run(programs[lane] as Program, batch, scale)),
      );
      // One lane after the other, so that the sum has one order.
      for (let lane = 0; lane < round.length; lane++) await (this.lanes[lane] as Lane).add(first + lane === 0);
      for (const output of outputs) {
        loss += scalarOf(output, "loss") / batches.length;
        for (const name of Object.keys(withoutPrefix(output, AUX))) {
          aux[name] = (aux[name] ?? 0) + scalarOf(output, AUX + name) / batches.length;
        }
      }
      for (const program of programs) {
        flops = flops === undefined || program.flops === undefined ? undefined : flops + program.flops;
      }
    }
    const usable = Number.isFinite(loss) && loss <= maxLoss;
    const update = await this.optimizer.update(step, usable, scale);
    const mends = usable && (lossScale?.note(update.applied) ?? false);
    return { loss, aux, flops, ...update, overflowed: !update.applied && mends };
  }

  private async program(arrangement: Arrangement): Promise<Program> {
    const known = this.programs.get(arrangement.key);
    if (known !== undefined) return known;
    const { engine, layout, lossScale, onCompiled } = this.options;
    const program = await compileGradient(engine, layout, arrangement, lossScale !== undefined);
    this.programs.set(arrangement.key, program);
    await onCompiled(arrangement, program);
    return program;
  }
}

function scalarOf(outputs: HostMap, name: string): number {
  return outputs[name]?.data[0] as number;
}
