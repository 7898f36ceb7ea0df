import type { Tensor, Tensor1D } from "@tensorflow/tfjs";
import { layerNorm } from "../engine/ops/index.ts";
import { ones, type Params, zeros } from "./params.ts";

/** Layer norm over the last axis with a learned gain and shift. Source: arXiv:1607.06450. */
export class LayerNorm {
  readonly gain: Tensor1D;
  readonly shift: Tensor1D;

  constructor(width: number, p: Params) {
    this.gain = p.tensor<Tensor1D>("gain", [width], ones);
    this.shift = p.tensor<Tensor1D>("shift", [width], zeros);
  }

  call<T extends Tensor>(x: T): T {
    return layerNorm(x, this.gain, this.shift) as T;
  }
}
