import { assert } from "../base/errors.ts";
import { allocate, withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { Binding, Engine, HostMap, Program, Signature, TensorFn } from "../engine/engine.ts";
import { valueAndGrads } from "../engine/ops/gradients.ts";
import { bindParams } from "../nn/params.ts";
import { Accumulator } from "./accumulator.ts";
import type { AdamWConfig } from "./adamw.ts";
import type { FlatLayout } from "./flatState.ts";
import { Optimizer, type UpdateReport } from "./optimizer.ts";
import type { Arrangement, Batch } from "./task.ts";

const PARAM = "param/";
const BATCH = "batch/";
const GRAD = "grad/";
const AUX = "aux/";

/** The flat buffers that are a training run's state, and its gradient. */
export interface TrainBuffers {
  readonly params: Float32Array;
  readonly ema: Float32Array;
  readonly moment1: Float32Array;
  readonly moment2: Float32Array;
}

/** What one step did; losses are means over the step's batches. */
export interface StepReport extends UpdateReport {
  readonly loss: number;
  readonly aux: Readonly<Record<string, number>>;
  /** Floating-point operations of the step's products; undefined where the engine does not count. */
  readonly flops: number | undefined;
}

interface Ready {
  readonly program: Program;
  readonly binding: Binding;
  readonly batch: HostMap;
}

/** Runs training steps: gradient program of each batch's arrangement, accumulation, optimizer. */
export class StepRunner {
  private readonly engine: Engine;
  private readonly layout: FlatLayout;
  private readonly buffers: TrainBuffers;
  private readonly grad: Float32Array;
  private readonly total: Float32Array;
  private readonly optimizer: Optimizer;
  private readonly accumulator: Accumulator | undefined;
  private readonly onCompiled: (arrangement: Arrangement, program: Program) => void;
  private readonly ready = new Map<string, Ready>();

  private constructor(fields: {
    engine: Engine;
    layout: FlatLayout;
    buffers: TrainBuffers;
    grad: Float32Array;
    total: Float32Array;
    optimizer: Optimizer;
    accumulator: Accumulator | undefined;
    onCompiled: StepRunner["onCompiled"];
  }) {
    this.engine = fields.engine;
    this.layout = fields.layout;
    this.buffers = fields.buffers;
    this.grad = fields.grad;
    this.total = fields.total;
    this.optimizer = fields.optimizer;
    this.accumulator = fields.accumulator;
    this.onCompiled = fields.onCompiled;
  }

  /** @param numParts batches whose gradients are averaged in one step. */
  static async create(options: {
    engine: Engine;
    layout: FlatLayout;
    buffers: TrainBuffers;
    optim: AdamWConfig;
    numSteps: number;
    numParts: number;
    onCompiled: (arrangement: Arrangement, program: Program) => void;
  }): Promise<StepRunner> {
    const { engine, layout, buffers, optim, numSteps, numParts, onCompiled } = options;
    const grad = layout.allocate();
    const total = numParts === 1 ? grad : layout.allocate();
    const optimizer = await Optimizer.create(engine, optim, layout, { ...buffers, grad: total }, numSteps);
    const accumulator =
      numParts === 1 ? undefined : await Accumulator.create(engine, layout, total, grad, 1 / numParts);
    return new StepRunner({ engine, layout, buffers, grad, total, optimizer, accumulator, onCompiled });
  }

  /** Makes update number `step` (first is 1) from the gradients of these batches. */
  async step(step: number, batches: readonly Batch[]): Promise<StepReport> {
    let loss = 0;
    let flops: number | undefined = 0;
    const aux: Record<string, number> = {};
    if (this.accumulator !== undefined) this.total.fill(0);
    for (const batch of batches) {
      const { program, binding, batch: buffers } = await this.prepare(batch.arrangement);
      copyInto(buffers, batch.inputs);
      await binding.run();
      await this.accumulator?.add();
      loss += (binding.outputs.loss?.data[0] as number) / batches.length;
      for (const [name, value] of Object.entries(withoutPrefix(binding.outputs, AUX))) {
        aux[name] = (aux[name] ?? 0) + (value.data[0] as number) / batches.length;
      }
      flops = flops === undefined || program.flops === undefined ? undefined : flops + program.flops;
    }
    return { loss, aux, flops, ...(await this.optimizer.update(step, Number.isFinite(loss))) };
  }

  private async prepare(arrangement: Arrangement): Promise<Ready> {
    const known = this.ready.get(arrangement.key);
    if (known !== undefined) return known;
    const signature: Signature = {
      ...Object.fromEntries(this.layout.slots.map(({ path, shape }) => [PARAM + path, { shape, dtype: "float32" }])),
      ...withPrefix(arrangement.signature, BATCH),
    };
    const program = await this.engine.compile(`gradient ${arrangement.key}`, gradientFn(arrangement), signature);
    const batch = Object.fromEntries(
      Object.entries(arrangement.signature).map(([name, spec]) => [name, allocate(spec)]),
    );
    const binding = program.bind(
      { ...this.layout.views(this.buffers.params, PARAM), ...withPrefix(batch, BATCH) },
      this.layout.views(this.grad, GRAD),
    );
    const ready = { program, binding, batch };
    this.ready.set(arrangement.key, ready);
    this.onCompiled(arrangement, program);
    return ready;
  }
}

/** Parameters and batch -> loss, aux and the gradient of the loss for every parameter. */
function gradientFn(arrangement: Arrangement): TensorFn {
  return (inputs) => {
    const params = withoutPrefix(inputs, PARAM);
    const batch = withoutPrefix(inputs, BATCH);
    const { value, aux, grads } = valueAndGrads((tensors) => arrangement.loss(bindParams(tensors), batch), params);
    return { loss: value, ...withPrefix(aux, AUX), ...withPrefix(grads, GRAD) };
  };
}

function copyInto(buffers: HostMap, values: HostMap): void {
  for (const [name, { data }] of Object.entries(buffers)) {
    const value = values[name];
    assert(value !== undefined && value.data.length === data.length, `batch has ${name} with ${data.length} values`);
    data.set(value.data);
  }
}
