import * as tf from "@tensorflow/tfjs";
import { floats } from "../base/tensors.ts";
import type { Binding, Engine, TensorFn } from "../engine/engine.ts";
import { ChunkPrograms, chunksOf, inLanes } from "./chunks.ts";
import type { FlatLayout } from "./flatState.ts";

const accumulateChunk: TensorFn = ({ total, grad, share }) => ({
  newTotal: tf.add(total as tf.Tensor, tf.mul(grad as tf.Tensor, share as tf.Tensor)),
});

/** Adds `share` times one gradient buffer to another, for gradient accumulation. */
export class Accumulator {
  private readonly bindings: readonly Binding[];

  private constructor(bindings: readonly Binding[]) {
    this.bindings = bindings;
  }

  static async create(
    engine: Engine,
    layout: FlatLayout,
    total: Float32Array,
    grad: Float32Array,
    share: number,
  ): Promise<Accumulator> {
    const programs = new ChunkPrograms(engine);
    const shareTensor = floats([], Float32Array.of(share));
    const bindings: Binding[] = [];
    for (const { start, end } of chunksOf(layout)) {
      const size = end - start;
      const program = await programs.get("accumulate", accumulateChunk, size, ["total", "grad"], ["share"]);
      const totalView = floats([size], total.subarray(start, end));
      const gradView = floats([size], grad.subarray(start, end));
      bindings.push(program.bind({ total: totalView, grad: gradView, share: shareTensor }, { newTotal: totalView }));
    }
    return new Accumulator(bindings);
  }

  async add(): Promise<void> {
    await inLanes(this.bindings, (binding) => binding.run());
  }
}
