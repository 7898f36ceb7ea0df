import type { Tensor, Tensor1D } from "@tensorflow/tfjs";
import { rmsNorm } from "../engine/ops/index.ts";
import { ones, type Params } from "./params.ts";

/** Root-mean-square norm over one axis with a learned gain; nothing else is mixed. Source: arXiv:1910.07467. */
export class RmsNorm {
  readonly gain: Tensor1D;
  readonly axis: number;

  /** @param axis the normalised axis, of size `width`; the last one by default. */
  constructor(width: number, p: Params, axis = -1) {
    this.gain = p.tensor<Tensor1D>("gain", [width], ones);
    this.axis = axis;
  }

  call<T extends Tensor>(x: T): T {
    return rmsNorm(x, this.gain, this.axis) as T;
  }
}
