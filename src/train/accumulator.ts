import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../base/tensors.ts";
import type { Engine } from "../engine/engine.ts";
import type { FlatLayout } from "./flatState.ts";
import type { StateBuffer } from "./stateBuffer.ts";
import { StateProgram } from "./stateProgram.ts";

/** Averages gradients: `total` becomes the sum of `share` times each gradient. */
export class Accumulator {
  private readonly start: StateProgram;
  private readonly further: StateProgram;

  private constructor(start: StateProgram, further: StateProgram) {
    this.start = start;
    this.further = further;
  }

  static async create(
    engine: Engine,
    layout: FlatLayout,
    total: StateBuffer,
    grad: StateBuffer,
    share: number,
  ): Promise<Accumulator> {
    const scalars = { share: floats([], Float32Array.of(share)), keep: floats([], Float32Array.of(1)) };
    const writes = { sum: total };
    const start = await StateProgram.create(engine, layout, {
      name: "first share",
      fn: (x) => ({ sum: tf.mul(x.grad as Tensor, x.share as Tensor) }),
      reads: { grad },
      writes,
      scalars: { decayed: { share: scalars.share }, free: { share: scalars.share } },
    });
    const further = await StateProgram.create(engine, layout, {
      name: "further share",
      // Times one, so that no operation reads the buffer that it writes: on WebGPU none may.
      fn: (x) => ({
        sum: tf.add(tf.mul(x.total as Tensor, x.keep as Tensor), tf.mul(x.grad as Tensor, x.share as Tensor)),
      }),
      reads: { total, grad },
      writes,
      scalars: { decayed: scalars, free: scalars },
    });
    return new Accumulator(start, further);
  }

  /** Adds the gradient's share to the total, or starts the total with it. */
  add(first: boolean): Promise<void> {
    return (first ? this.start : this.further).run();
  }
}
