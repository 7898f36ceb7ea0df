import type { Tensor1D, Tensor5D } from "@tensorflow/tfjs";
import { causalConv3d } from "../engine/ops/index.ts";
import { type Init, type Params, xavier, zeros } from "./params.ts";
import type { Past } from "./past.ts";

/** Sides of a convolution kernel: frames, rows, columns. Rows and columns are odd. */
export type Kernel = readonly [t: number, h: number, w: number];

/** Convolution over space and past time, stride 1, zero-padded. Shapes: x_BITHW -> BOTHW. */
export class CausalConv {
  readonly path: string;
  /** Frames before its own that an output frame depends on. */
  readonly numBefore: number;
  readonly weight: Tensor5D;
  readonly bias: Tensor1D;

  constructor(numIn: number, numOut: number, kernel: Kernel, p: Params, init?: Init) {
    const taps = kernel[0] * kernel[1] * kernel[2];
    this.path = p.path;
    this.numBefore = kernel[0] - 1;
    const start = init ?? xavier(numIn * taps, numOut * taps);
    this.weight = p.tensor<Tensor5D>("weight", [numOut, numIn, ...kernel], start);
    this.bias = p.tensor<Tensor1D>("bias", [numOut], zeros);
  }

  /** @param past when x is a chunk of a longer clip. */
  call(x_BITHW: Tensor5D, past?: Past): Tensor5D {
    const before = this.numBefore === 0 ? undefined : past?.before(this.path, x_BITHW, this.numBefore);
    return causalConv3d(x_BITHW, this.weight, this.bias, before);
  }
}
