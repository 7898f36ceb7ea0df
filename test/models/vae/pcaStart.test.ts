import assert from "node:assert/strict";
import type { Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { jacobiEigen, largestEigen, matrix } from "../../../src/base/eigen.ts";
import { KeyedRandom } from "../../../src/base/random.ts";
import { clipPatches, type HostClip, pcaStart } from "../../../src/models/vae/pcaStart.ts";
import { Vae } from "../../../src/models/vae/vae.ts";
import { vaeSchema } from "../../../src/models/vae/vaeConfig.ts";
import { bindParams, declareParams } from "../../../src/nn/params.ts";
import { depthToSpace, spaceToDepth } from "../../../src/nn/spaceToDepth.ts";
import { assertClose, randomTensor } from "../../nn/numeric.ts";

/** Smooth clips: a few moving waves. */
function waves(seed: number, grid: HostClip["grid"]): HostClip {
  const random = new KeyedRandom(seed, "waves");
  const draw = () => Array.from({ length: 4 }, () => random.normal() * 0.5);
  const colours = [draw(), draw(), draw()];
  const video_THWC = new Float32Array(grid.t * grid.h * grid.w * 3);
  for (let i = 0; i < video_THWC.length; i++) {
    const [c, w, h, t] = [
      i % 3,
      Math.floor(i / 3) % grid.w,
      Math.floor(i / 3 / grid.w) % grid.h,
      Math.floor(i / 3 / grid.w / grid.h),
    ];
    const [a, b, d, e] = colours[c] as [number, number, number, number];
    video_THWC[i] = 0.7 * Math.sin(a * w + b * h + d * t + e);
  }
  return { video_THWC, grid };
}

const levels = [
  { down: [2, 2], channels: 4, blocks: 0 },
  { down: [2, 2], channels: 4, blocks: 1 },
];

describe("eigenpairs", () => {
  const size = 40;
  const root = randomTensor("root", [size, size]);
  const decay = tf.tensor1d(Array.from({ length: size }, (_, i) => 0.8 ** i));
  const symmetric = matrix(size, size);
  const scaled = root.mul(decay).dataSync();
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      for (let k = 0; k < size; k++)
        symmetric.data[i * size + j] =
          (symmetric.data[i * size + j] as number) +
          (scaled[i * size + k] as number) * (scaled[j * size + k] as number);

  for (const [name, eigen] of [
    ["jacobi", jacobiEigen(symmetric)],
    ["largest", largestEigen(symmetric, 6)],
  ] as const) {
    it(`${name}: the matrix scales each unit vector by its value, values fall`, () => {
      for (let z = 0; z < 6; z++) {
        const vector = eigen.vectors.data.subarray(z * size, (z + 1) * size);
        const image = Array.from({ length: size }, (_, i) =>
          vector.reduce((sum, value, j) => sum + value * (symmetric.data[i * size + j] as number), 0),
        );
        assertClose(
          image,
          Array.from(vector, (value) => value * (eigen.values[z] as number)),
          1e-7,
          `vector ${z}`,
        );
        assertClose([vector.reduce((sum, value) => sum + value * value, 0)], [1], 1e-12);
      }
      assert.deepEqual(
        [...eigen.values],
        [...eigen.values].sort((a, b) => b - a),
      );
    });
  }

  it("jacobi: the values sum to the trace", () => {
    const trace = Array.from({ length: size }, (_, i) => symmetric.data[i * size + i] as number);
    const sum = (list: ArrayLike<number>) => Array.from(list).reduce((a, b) => a + b, 0);
    assertClose([sum(jacobiEigen(symmetric).values)], [sum(trace)], 1e-12);
  });
});

describe("pcaStart", () => {
  const grid = { t: 5, h: 16, w: 24 };
  const clips = [1, 2, 3, 4, 5, 6].map((seed) => waves(seed, grid));
  const cfg = vaeSchema.parse({ kind: "causal-conv", latentChannels: 8, levels });

  it("reads patches in the order of the linear path", () => {
    const clip = clips[0] as HostClip;
    const video = tf.tensor(clip.video_THWC, [1, 5, 16, 24, 3]) as Tensor5D;
    assertClose(clipPatches(cfg, clip), spaceToDepth(spaceToDepth(video, [2, 2]), [2, 2]), 0);
  });

  it("is the best linear autoencoder of the patches, with latents of a mean variance of 1", () => {
    const start = pcaStart(cfg, clips, 1);
    const part = (path: string, shape: number[]) => tf.tensor(start[path] as Float32Array, shape);
    const x_NP = tf.concat(clips.map((clip) => tf.tensor2d(clipPatches(cfg, clip), [48, 192])));
    const z_NZ = x_NP.matMul(part("encoder.linear.weight", [192, 8])).add(part("encoder.linear.bias", [8]));
    const y_NP = z_NZ.matMul(part("decoder.linear.weight", [8, 192])).add(part("decoder.linear.bias", [192]));
    const centred = x_NP.sub(x_NP.mean(0));
    const covariance = matrix(192, 192);
    covariance.data.set(
      tf
        .matMul(centred, centred, true)
        .div(48 * clips.length)
        .dataSync(),
    );
    const least = jacobiEigen(covariance)
      .values.subarray(8)
      .reduce((sum, value) => sum + value, 0);
    assert.ok(least > 1);
    assertClose(x_NP.sub(y_NP).square().sum(1).mean(), [least], 1e-3);
    assertClose(z_NZ.mean(0), new Float32Array(8), 1, "mean", 1e-4);
    assertClose(z_NZ.square().mean(), [1], 1e-4);
  });

  it("is all that an untrained model is", () => {
    const start = pcaStart(cfg, clips, 1);
    const specs = declareParams((p) => new Vae(cfg, p));
    assert.deepEqual(
      Object.keys(start).filter((path) => !specs.some((spec) => spec.path === path)),
      [],
    );
    const tensors = specs.map(({ path, shape, init }) => {
      const values = start[path];
      if (values !== undefined) return [path, tf.tensor(values, [...shape])];
      return [path, init.kind === "zeros" ? tf.zeros([...shape]) : randomTensor(path, shape)];
    });
    const model = new Vae(cfg, bindParams(Object.fromEntries(tensors)));
    const clip = clips[0] as HostClip;
    const { mean } = model.encode(tf.tensor(clip.video_THWC, [1, 5, 16, 24, 3]) as Tensor5D);
    const weight = tf.tensor2d(start["encoder.linear.weight"] as Float32Array, [192, 8]);
    const z_NZ = tf.matMul(tf.tensor2d(clipPatches(cfg, clip), [48, 192]), weight);
    assertClose(mean, z_NZ.add(start["encoder.linear.bias"] as Float32Array), 1e-5);
    const back = tf.tensor2d(start["decoder.linear.weight"] as Float32Array, [8, 192]);
    const y_NP = tf
      .matMul(mean.reshape([48, 8]) as tf.Tensor2D, back)
      .add(start["decoder.linear.bias"] as Float32Array);
    const patches = y_NP.reshape([1, 2, 4, 6, 192]) as Tensor5D;
    assertClose(model.decode(mean), depthToSpace(depthToSpace(patches, [2, 2]), [2, 2]), 1e-5);
  });
});
