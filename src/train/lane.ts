import { assert } from "../base/errors.ts";
import { allocate, floats, withPrefix } from "../base/tensors.ts";
import type { Binding, Engine, HostMap, Program } from "../engine/engine.ts";
import { Accumulator } from "./accumulator.ts";
import type { FlatLayout } from "./flatState.ts";
import { BATCH, GRAD, LOSS_SCALE, PARAM } from "./gradientProgram.ts";
import { StateBuffer } from "./stateBuffer.ts";
import type { Batch } from "./task.ts";

interface Ready {
  readonly binding: Binding;
  readonly batch: HostMap;
}

/** One gradient computation at a time: a gradient buffer of its own, and a binding for each arrangement met. */
export class Lane {
  private readonly params: StateBuffer;
  private readonly grad: StateBuffer;
  private readonly accumulator: Accumulator | undefined;
  private readonly scale = floats([]);
  private readonly ready = new Map<Program, Ready>();

  private constructor(params: StateBuffer, grad: StateBuffer, accumulator: Accumulator | undefined) {
    this.params = params;
    this.grad = grad;
    this.accumulator = accumulator;
  }

  /** @param share factor of this lane's gradients in `total`; a share of 1 makes `total` its own buffer. */
  static async create(
    engine: Engine,
    layout: FlatLayout,
    params: StateBuffer,
    total: StateBuffer,
    share: number,
  ): Promise<Lane> {
    if (share === 1) return new Lane(params, total, undefined);
    const grad = await StateBuffer.place(engine, layout);
    return new Lane(params, grad, await Accumulator.create(engine, layout, total, grad, share));
  }

  /**
   * Computes the gradient of a batch into the lane's buffer, times `lossScale` if the program takes one.
   * @returns loss and aux by output name.
   */
  async run(program: Program, { arrangement, inputs }: Batch, lossScale: number): Promise<HostMap> {
    const { binding, batch } = this.prepare(program, arrangement.signature);
    copyInto(batch, inputs);
    this.scale.data[0] = lossScale;
    await binding.run();
    return binding.outputs;
  }

  /** Adds the last gradient's share to the total, or starts the total with it. */
  async add(first: boolean): Promise<void> {
    await this.accumulator?.add(first);
  }

  private prepare(program: Program, signature: Batch["arrangement"]["signature"]): Ready {
    const known = this.ready.get(program);
    if (known !== undefined) return known;
    const batch = Object.fromEntries(Object.entries(signature).map(([name, spec]) => [name, allocate(spec)]));
    const scale = program.inputs[LOSS_SCALE] === undefined ? {} : { [LOSS_SCALE]: this.scale };
    const binding = program.bind(
      { ...withPrefix(this.params.tensors, PARAM), ...withPrefix(batch, BATCH), ...scale },
      withPrefix(this.grad.tensors, GRAD),
    );
    const ready = { binding, batch };
    this.ready.set(program, ready);
    return ready;
  }
}

function copyInto(buffers: HostMap, values: HostMap): void {
  for (const [name, { data }] of Object.entries(buffers)) {
    const value = values[name];
    assert(value !== undefined && value.data.length === data.length, `batch has ${name} with ${data.length} values`);
    data.set(value.data);
  }
}
