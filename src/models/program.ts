import type { Signature, TensorMap } from "../engine/engine.ts";
import type { Params } from "../nn/params.ts";

/** A pure function of parameters and named inputs, with the shapes that one plan gives its inputs. */
export interface ModelProgram {
  readonly inputs: Signature;
  fn(p: Params, inputs: TensorMap): TensorMap;
}
