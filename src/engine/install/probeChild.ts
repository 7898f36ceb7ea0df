/** The process in which a new build of native TensorFlow runs for the first time. Its argument is the build's folder. */
import * as tf from "@tensorflow/tfjs";
import { startBuild } from "../eager/backends.ts";
import type { ProbeReply } from "./probe.ts";

/** A small product: y = x w, and the sum of its squares, whose gradient by w is 2 x' y. */
const x = [
  [1, 2, 3],
  [4, 5, 6],
];
const w = [
  [1, -1],
  [2, 0],
  [0, 3],
];
const product = [5, 8, 14, 14];
const gradient = [122, 128, 160, 172, 198, 216];

async function probe(folder: string): Promise<ProbeReply> {
  await startBuild(folder);
  await tf.setBackend("tensorflow");
  const values = tf.tensor2d(x);
  const weights = tf.tensor2d(w);
  const y = tf.matMul(values, weights);
  check("a matrix product", await y.data(), product);
  const slope = tf.grad((given) => tf.sum(tf.square(tf.matMul(values, given as tf.Tensor2D))))(weights);
  check("its gradient", await slope.data(), gradient);
  const backend: object = tf.backend();
  return { device: "isUsingGpuDevice" in backend && backend.isUsingGpuDevice === true ? "gpu" : "cpu" };
}

function check(what: string, got: ArrayLike<number>, expected: readonly number[]): void {
  const values = Array.from(got);
  if (values.join() !== expected.join())
    throw new Error(`${what} should be ${expected.join()} and is ${values.join()}`);
}

async function reply(): Promise<ProbeReply> {
  try {
    return await probe(process.argv[2] ?? "");
  } catch (error) {
    return { reason: (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ") };
  }
}

process.send?.(await reply());
process.disconnect?.();
