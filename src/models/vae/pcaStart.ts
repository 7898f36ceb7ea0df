import { largestEigen, type Matrix, matrix } from "../../base/eigen.ts";
import { assert } from "../../base/errors.ts";
import type { Grid } from "../../base/grid.ts";
import { KeyedRandom } from "../../base/random.ts";
import { patchify } from "../patches/patchify.ts";
import { latentGrid, splitFactor, type VaeConfig, vaeFactor } from "./vaeConfig.ts";
import { numColours, volume } from "./vaeEncoder.ts";

/** A clip on the host: t frames of h x w pixels, THWC, in [-1, 1]. */
export interface HostClip {
  readonly video_THWC: Float32Array;
  readonly grid: Grid;
}

const maxPatches = 4000;

/**
 * Starting values for the linear path of a `Vae`: the principal components of space-time patches, all divided by one
 * scale that gives the latents a mean variance of 1. With them an untrained model is the best linear autoencoder of
 * these clips. At most 4,000 patches are used, drawn from all clips alike; 768 values a patch take about two seconds.
 * @returns values by parameter path, below the Vae's own: `encoder.linear.weight` and so on.
 */
export function pcaStart(cfg: VaeConfig, clips: readonly HostClip[], seed: number): Record<string, Float32Array> {
  const { latentChannels } = cfg;
  const width = patchSize(cfg);
  assert(latentChannels <= width, `a patch of ${width} values has at least ${latentChannels} components`);
  const { mean, covariance } = moments(samplePatches(cfg, clips, seed), width);
  const { values, vectors } = largestEigen(covariance, latentChannels);
  const scale = Math.sqrt(Math.max(values.reduce((sum, value) => sum + value, 0) / latentChannels, 1e-12));
  const encoder = { weight: new Float32Array(width * latentChannels), bias: new Float32Array(latentChannels) };
  const decoder = { weight: new Float32Array(latentChannels * width), bias: Float32Array.from(mean) };
  for (let z = 0; z < latentChannels; z++) {
    let offset = 0;
    for (let i = 0; i < width; i++) {
      const direction = vectors.data[z * width + i] as number;
      encoder.weight[i * latentChannels + z] = direction / scale;
      decoder.weight[z * width + i] = direction * scale;
      offset += ((mean[i] as number) * direction) / scale;
    }
    encoder.bias[z] = -offset;
  }
  return {
    "encoder.linear.weight": encoder.weight,
    "encoder.linear.bias": encoder.bias,
    "decoder.linear.weight": decoder.weight,
    "decoder.linear.bias": decoder.bias,
  };
}

/** Values of a patch that one latent cell stands for. */
function patchSize(cfg: VaeConfig): number {
  return numColours * volume(vaeFactor(cfg));
}

/** Patches of all clips, each a row in the order that the linear path reads; a random choice when there are too many. */
function samplePatches(cfg: VaeConfig, clips: readonly HostClip[], seed: number): Float32Array[] {
  const width = patchSize(cfg);
  const perClip = Math.max(1, Math.floor(maxPatches / clips.length));
  const random = new KeyedRandom(seed, "pca patches");
  return clips.flatMap((clip) => {
    const rows = clipPatches(cfg, clip);
    const order = random.shuffle(Array.from({ length: rows.length / width }, (_, i) => i));
    return order.slice(0, perClip).map((row) => rows.subarray(row * width, (row + 1) * width));
  });
}

/** The patches of one clip, as `spaceToDepth` makes them for the linear path. Shapes: THWC -> rows of patch values. */
export function clipPatches(cfg: VaeConfig, { video_THWC, grid }: HostClip): Float32Array {
  const factor = vaeFactor(cfg);
  const latent = latentGrid(grid, factor);
  const { stem, rest } = splitFactor(cfg);
  const frameSize = grid.h * grid.w * numColours;
  const led = new Float32Array((grid.t + factor[0] - 1) * frameSize);
  for (let t = 0; t < factor[0] - 1; t++) led.set(video_THWC.subarray(0, frameSize), t * frameSize);
  led.set(video_THWC, (factor[0] - 1) * frameSize);
  const stemGrid = { t: latent.t * rest[0], h: latent.h * rest[1], w: latent.w * rest[1] };
  const ledGrid = { t: latent.t * factor[0], h: grid.h, w: grid.w };
  const inStems = patchify(led, ledGrid, [stem[0], stem[1], stem[1]]);
  return patchify(inStems, stemGrid, [rest[0], rest[1], rest[1]]);
}

/** Mean and covariance of rows. The covariance takes four rows at a pass: memory is what it waits for. */
function moments(rows: readonly Float32Array[], width: number): { mean: Float64Array; covariance: Matrix } {
  const mean = new Float64Array(width);
  for (const row of rows) for (let i = 0; i < width; i++) mean[i] = at(mean, i) + at(row, i) / rows.length;
  const covariance = matrix(width, width);
  const { data } = covariance;
  const quad = [0, 1, 2, 3].map(() => new Float64Array(width)) as [Row, Row, Row, Row];
  for (let first = 0; first < rows.length; first += quad.length) {
    for (const [q, centred] of quad.entries()) {
      const row = rows[first + q];
      for (let i = 0; i < width; i++) centred[i] = row === undefined ? 0 : at(row, i) - at(mean, i);
    }
    const [a, b, c, d] = quad;
    for (let i = 0; i < width; i++) {
      const [ai, bi, ci, di] = [at(a, i), at(b, i), at(c, i), at(d, i)];
      for (let j = i, to = i * width + i; j < width; j++, to++) {
        data[to] = at(data, to) + ai * at(a, j) + bi * at(b, j) + ci * at(c, j) + di * at(d, j);
      }
    }
  }
  for (let i = 0; i < width; i++) {
    for (let j = i; j < width; j++) {
      data[i * width + j] = at(data, i * width + j) / rows.length;
      data[j * width + i] = at(data, i * width + j);
    }
  }
  return { mean, covariance };
}

type Row = Float64Array;

function at(list: Row | Float32Array, i: number): number {
  return list[i] as number;
}
