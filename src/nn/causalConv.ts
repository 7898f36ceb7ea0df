import type { Tensor1D, Tensor5D } from "@tensorflow/tfjs";
import { causalConv3d } from "../engine/ops/index.ts";
import { type Init, type Params, xavier, zeros } from "./params.ts";

/** Sides of a convolution kernel: frames, rows, columns. Rows and columns are odd. */
export type Kernel = readonly [t: number, h: number, w: number];

/** Convolution over space and past time, stride 1, zero-padded. Shapes: x_BITHW -> BOTHW. */
export class CausalConv {
  readonly weight: Tensor5D;
  readonly bias: Tensor1D;

  constructor(numIn: number, numOut: number, kernel: Kernel, p: Params, init?: Init) {
    const taps = kernel[0] * kernel[1] * kernel[2];
    const start = init ?? xavier(numIn * taps, numOut * taps);
    this.weight = p.tensor<Tensor5D>("weight", [numOut, numIn, ...kernel], start);
    this.bias = p.tensor<Tensor1D>("bias", [numOut], zeros);
  }

  call(x_BITHW: Tensor5D): Tensor5D {
    return causalConv3d(x_BITHW, this.weight, this.bias);
  }
}
