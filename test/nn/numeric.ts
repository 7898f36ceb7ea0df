import assert from "node:assert/strict";
import type { Scalar, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { KeyedRandom } from "../../src/base/random.ts";
import { bindParams, declareParams, type Params } from "../../src/nn/params.ts";

/** Values of any tensor-like, as plain numbers. */
function values(x: Tensor | ArrayLike<number>): ArrayLike<number> {
  return x instanceof tf.Tensor ? x.dataSync() : x;
}

/** Fails unless the largest difference is within `tolerance` of the largest expected value, or of `floor` if larger. */
export function assertClose(
  actual: Tensor | ArrayLike<number>,
  expected: Tensor | ArrayLike<number>,
  tolerance: number,
  what = "values",
  floor = 1e-6,
): void {
  const a = values(actual);
  const b = values(expected);
  assert.equal(a.length, b.length, `${what}: as many values`);
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    scale = Math.max(scale, Math.abs(b[i] as number));
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  assert.ok(worst <= tolerance * Math.max(scale, floor), `${what}: off by ${worst}, of values up to ${scale}`);
}

/** A normal tensor, the same for the same name. */
export function randomTensor<T extends Tensor = Tensor>(name: string, shape: readonly number[], std = 1): T {
  const data = new KeyedRandom(0, "test", name).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)));
  return tf.tensor(
    data.map((value) => value * std),
    [...shape],
  ) as T;
}

/** Random values for every parameter that `build` declares, none at zero: gains near 1, the rest normal. */
export function randomParams(build: (p: Params) => unknown, std = 0.3): Record<string, Tensor> {
  return Object.fromEntries(
    declareParams(build).map(({ path, shape }) => {
      const noise = randomTensor(path, shape, std);
      return [path, path.endsWith("gain") ? noise.add(1) : noise];
    }),
  );
}

/** Values of `loss` and its gradient by every parameter. */
export function gradients(
  loss: (p: Params) => Scalar,
  tensors: Record<string, Tensor>,
): { value: number; grads: Record<string, Tensor> } {
  const names = Object.keys(tensors);
  const { value, grads } = tf.valueAndGrads((...list: Tensor[]) =>
    loss(bindParams(Object.fromEntries(names.map((name, i) => [name, list[i] as Tensor])))),
  )(Object.values(tensors));
  return {
    value: value.dataSync()[0] as number,
    grads: Object.fromEntries(names.map((n, i) => [n, grads[i] as Tensor])),
  };
}

/**
 * Compares gradients with central differences along random directions, one per parameter.
 * float32 losses limit the precision: use small losses and smooth functions.
 */
export function assertFiniteDifferences(
  loss: (p: Params) => Scalar,
  tensors: Record<string, Tensor>,
  { step = 1e-2, tolerance = 1e-2 } = {},
): void {
  const { grads } = gradients(loss, tensors);
  for (const [name, tensor] of Object.entries(tensors)) {
    const raw = randomTensor(`direction ${name}`, tensor.shape);
    const direction = raw.div(raw.norm());
    const at = (distance: number): number =>
      tf.tidy(
        () => loss(bindParams({ ...tensors, [name]: tensor.add(direction.mul(distance)) })).dataSync()[0] as number,
      );
    const numeric = (at(step) - at(-step)) / (2 * step);
    const analytic = (grads[name] as Tensor).mul(direction).sum().dataSync()[0] as number;
    const scale = Math.max(Math.abs(numeric), (grads[name] as Tensor).norm().dataSync()[0] as number, 1e-3);
    assert.ok(
      Math.abs(numeric - analytic) <= tolerance * scale,
      `${name}: the gradient says ${analytic}, differences say ${numeric}`,
    );
  }
}
