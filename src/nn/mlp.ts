import type { Tensor } from "@tensorflow/tfjs";
import { gelu } from "../engine/ops/index.ts";
import { Linear } from "./linear.ts";
import type { Params } from "./params.ts";

/** Two linear layers with a tanh-GELU between them. Shapes: x [..., D] -> [..., D]. */
export class Mlp {
  readonly up: Linear;
  readonly down: Linear;

  constructor(width: number, hidden: number, p: Params) {
    this.up = new Linear(width, hidden, p.at("up"));
    this.down = new Linear(hidden, width, p.at("down"));
  }

  call<T extends Tensor>(x: T): T {
    return this.down.call(gelu(this.up.call(x)));
  }
}
