import type { Tensor, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../base/errors.ts";

const timeAxis = 2;

/**
 * What causal layers need of the frames before a chunk, so that a clip computed chunk by chunk is the clip computed
 * whole: each asks for the last frames of its own input, under its own name, and leaves those of this chunk.
 * Source: the feature cache of Wan 2.1's VAE, arXiv:2503.20314, section 4.1.2.
 */
export class Past {
  private readonly given: Readonly<Record<string, Tensor>> | undefined;
  /** What the next chunk is to be given. */
  readonly kept: Record<string, Tensor> = {};

  /** @param given what the chunk before kept. None: this chunk is the first. */
  constructor(given?: Readonly<Record<string, Tensor>>) {
    this.given = given;
  }

  get isStart(): boolean {
    return this.given === undefined;
  }

  /**
   * The `count` frames before x, undefined at the start; keeps the last `count` for the next chunk. Where the clip has
   * not that many yet, zeros stand for those before it, as in a convolution's padding. Shapes: x_BITHW -> BI(count)HW.
   */
  before(name: string, x_BITHW: Tensor5D, count: number): Tensor5D | undefined {
    const before = this.given?.[name] as Tensor5D | undefined;
    assert(this.isStart || before !== undefined, `the chunk before kept frames for ${name}`);
    this.kept[name] = lastFrames(before, x_BITHW, count);
    return before;
  }
}

function lastFrames(before: Tensor5D | undefined, x_BITHW: Tensor5D, count: number): Tensor5D {
  const [batch, channels, frames, high, wide] = x_BITHW.shape;
  if (frames >= count) return tf.slice(x_BITHW, [0, 0, frames - count, 0, 0], [batch, channels, count, high, wide]);
  const missing = count - frames;
  const shape: Tensor5D["shape"] = [batch, channels, missing, high, wide];
  const earlier = before === undefined ? tf.zeros(shape) : tf.slice(before, [0, 0, frames, 0, 0], shape);
  return tf.concat<Tensor>([earlier, x_BITHW], timeAxis) as Tensor5D;
}
