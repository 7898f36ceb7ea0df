import type { Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../base/errors.ts";
import { floats } from "../../base/tensors.ts";
import type { Engine } from "../engine.ts";

/** Multiplies two small matrices, to see whether the device has the engine's precision. @throws UserError if not. */
export async function probePrecision(engine: Engine): Promise<void> {
  const shape = [4, 4];
  const spec = { shape, dtype: "float32" } as const;
  try {
    const program = await engine.compile("probe", ({ x }) => ({ y: tf.matMul(x as Tensor2D, x as Tensor2D) }), {
      x: spec,
    });
    await program.bind({ x: floats(shape) }).run();
    await program.dispose();
  } catch (error) {
    const complaint = error instanceof UserError ? error.complaint : firstLine(error);
    throw new UserError(`engine.precision ${engine.precision}`, complaint);
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n", 1)[0] ?? "";
}
