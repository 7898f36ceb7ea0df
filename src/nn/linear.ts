import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import { linear } from "../engine/ops/index.ts";
import { type Init, type Params, xavier, zeros } from "./params.ts";

/** x w + b over the last axis. Shapes: x [..., I] -> [..., O]. The bias starts at zero, the weight as `init` says. */
export class Linear {
  readonly weight: Tensor2D;
  readonly bias: Tensor1D | undefined;

  constructor(
    numIn: number,
    numOut: number,
    p: Params,
    { init = xavier(numIn, numOut), bias = true }: { init?: Init; bias?: boolean } = {},
  ) {
    this.weight = p.tensor<Tensor2D>("weight", [numIn, numOut], init);
    this.bias = bias ? p.tensor<Tensor1D>("bias", [numOut], zeros) : undefined;
  }

  call<T extends Tensor>(x: T): T {
    return linear(x, this.weight, this.bias) as T;
  }
}
