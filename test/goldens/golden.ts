import { readFileSync } from "node:fs";
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** A float32 tensor as the Python scripts of this folder write it. */
export interface GoldenTensor {
  readonly shape: number[];
  readonly base64: string;
}

/** Reads `NAME.json` of this folder. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")) as T;
}

export function goldenValues({ base64 }: GoldenTensor): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

export function goldenTensor(golden: GoldenTensor): Tensor {
  return tf.tensor(goldenValues(golden), golden.shape);
}

export function goldenTensors(named: Record<string, GoldenTensor>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(named).map(([name, golden]) => [name, goldenTensor(golden)]));
}
