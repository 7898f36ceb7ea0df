import { jacobiEigen, largestEigen, type Matrix, matrix } from "../base/eigen.ts";
import { assert } from "../base/errors.ts";
import type { Video } from "../data/media/video.ts";
import { thumbnails } from "./thumbnails.ts";

/** Directions in which clips are compared. More would need more clips to estimate their spread. */
const DIMENSIONS = 16;
/** Fewer clips than this tell no spread in that many directions. */
export const LEAST_CLIPS = 2 * DIMENSIONS;

/**
 * Frechet thumbnail distance (FTD): the Frechet distance of two sets of clips, each taken as a normal distribution of its
 * thumbnails' components along the 16 directions in which the reference thumbnails vary most. 0 for equal sets; in
 * squared units of a byte per thumbnail value. It is no FVD: no learned features, comparable only for one reference set.
 * Source of the distance: arXiv:1706.08500, section 2.
 */
export function frechetThumbnailDistance(reference: readonly Video[], drawn: readonly Video[]): number {
  assert(reference.length >= LEAST_CLIPS && drawn.length >= LEAST_CLIPS, `${LEAST_CLIPS} clips on each side`);
  const points = reference.map(thumbnails);
  const { mean, covariance } = momentsOf(points);
  const axes = largestEigen(covariance, DIMENSIONS).vectors;
  const along = (point: ArrayLike<number>): Float64Array => project(point, mean, axes);
  return frechetDistance(momentsOf(points.map(along)), momentsOf(drawn.map((clip) => along(thumbnails(clip)))));
}

/** Mean and covariance of points. */
export interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
}

/** |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2) of two normal distributions. */
export function frechetDistance(a: Moments, b: Moments): number {
  const size = a.mean.length;
  const apart = a.mean.reduce((sum, value, i) => sum + (value - at(b.mean, i)) ** 2, 0);
  const root = squareRoot(a.covariance);
  const between = product(product(root, b.covariance), root);
  const roots = jacobiEigen(between).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  const trace = (m: Matrix): number => Array.from({ length: size }, (_, i) => at(m.data, i * size + i)).reduce(add, 0);
  return Math.max(0, apart + trace(a.covariance) + trace(b.covariance) - 2 * roots);
}

/** Mean and covariance (over n - 1) of points of one length. */
export function momentsOf(points: readonly ArrayLike<number>[]): Moments {
  const size = points[0]?.length ?? 0;
  const mean = new Float64Array(size);
  for (const point of points) for (let i = 0; i < size; i++) mean[i] = at(mean, i) + at(point, i) / points.length;
  const covariance = matrix(size, size);
  for (const point of points) {
    for (let i = 0; i < size; i++) {
      const share = (at(point, i) - at(mean, i)) / (points.length - 1);
      for (let j = 0; j < size; j++) {
        covariance.data[i * size + j] = at(covariance.data, i * size + j) + share * (at(point, j) - at(mean, j));
      }
    }
  }
  return { mean, covariance };
}

/** The symmetric square root of a symmetric positive matrix. */
function squareRoot(symmetric: Matrix): Matrix {
  const { values, vectors } = jacobiEigen(symmetric);
  const n = symmetric.rows;
  const root = matrix(n, n);
  for (let k = 0; k < n; k++) {
    const scale = Math.sqrt(Math.max(0, at(values, k)));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        root.data[i * n + j] =
          at(root.data, i * n + j) + scale * at(vectors.data, k * n + i) * at(vectors.data, k * n + j);
      }
    }
  }
  return root;
}

function product(a: Matrix, b: Matrix): Matrix {
  const out = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      for (let j = 0; j < b.columns; j++) {
        out.data[i * b.columns + j] =
          at(out.data, i * b.columns + j) + at(a.data, i * a.columns + k) * at(b.data, k * b.columns + j);
      }
    }
  }
  return out;
}

function project(point: ArrayLike<number>, mean: Float64Array, axes: Matrix): Float64Array {
  return Float64Array.from({ length: axes.rows }, (_, k) =>
    Array.from(
      { length: mean.length },
      (_, i) => (at(point, i) - at(mean, i)) * at(axes.data, k * mean.length + i),
    ).reduce(add, 0),
  );
}

function add(a: number, b: number): number {
  return a + b;
}

function at(list: ArrayLike<number>, i: number): number {
  return list[i] as number;
}
