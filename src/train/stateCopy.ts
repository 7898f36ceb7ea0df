import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../base/tensors.ts";
import type { Engine } from "../engine/engine.ts";
import { StateBuffer } from "./stateBuffer.ts";
import { StateProgram } from "./stateProgram.ts";

/** Writes values over a placed buffer, to the bit. Programs that are bound to it stay so. */
export async function overwriteState(engine: Engine, target: StateBuffer, values: Float32Array): Promise<void> {
  if (engine.memory === "host") {
    target.fill(values);
    return;
  }
  const source = await StateBuffer.place(engine, target.layout, values);
  const scalars = { one: floats([], Float32Array.of(1)) };
  const program = await StateProgram.create(engine, target.layout, {
    name: "overwrite",
    // Times one: a program whose output is its input is none on some engines. It changes no bit of a finite number.
    fn: (x) => ({ target: tf.mul(x.source as Tensor, x.one as Tensor) }),
    reads: { source },
    writes: { target },
    scalars: { decayed: scalars, free: scalars },
  });
  await program.run();
  await program.dispose();
  source.release();
}
