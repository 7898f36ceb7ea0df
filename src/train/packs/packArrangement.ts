import type { Scalar } from "@tensorflow/tfjs";
import { ditObjective, type LatentModel } from "../../diffusion/ditPrograms.ts";
import type { PackShape } from "../../models/patches/packing.ts";
import type { Arrangement } from "../task.ts";

/** The training program of packs of one shape. */
export function packArrangement(model: LatentModel, shape: PackShape): Arrangement {
  const objective = ditObjective(model, shape);
  return {
    key: shape.key,
    signature: objective.inputs,
    loss: (params, batch) => ({ loss: objective.fn(params, batch).loss as Scalar, aux: {} }),
  };
}
