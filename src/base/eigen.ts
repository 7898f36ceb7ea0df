import { KeyedRandom } from "./random.ts";

/** A dense row-major float64 matrix. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export function matrix(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

const numExtra = 16;
const numRounds = 16;
const maxSweeps = 30;

/** The largest eigenvalues, in falling order, and their unit eigenvectors as rows. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/**
 * The `count` largest eigenpairs of a symmetric positive matrix, by subspace iteration with some spare vectors and a
 * Rayleigh-Ritz step at the end. The same input always gives the same output. Source: arXiv:0909.4061, algorithm 4.4.
 */
export function largestEigen(symmetric: Matrix, count: number): Eigen {
  const size = symmetric.rows;
  const numVectors = Math.min(size, count + numExtra);
  let basis = matrix(numVectors, size);
  const start = new KeyedRandom(0, "eigen start").fillNormal(new Float32Array(numVectors * size));
  basis.data.set(start);
  for (let round = 0; round < numRounds; round++) {
    orthonormalise(basis);
    basis = timesTransposed(basis, symmetric);
  }
  orthonormalise(basis);
  const small = timesTransposed(timesTransposed(basis, symmetric), basis);
  const { values, vectors } = jacobiEigen(small);
  const kept = { rows: count, columns: numVectors, data: vectors.data.subarray(0, count * numVectors) };
  return { values: values.subarray(0, count), vectors: times(kept, basis) };
}

/** All eigenpairs of a small symmetric matrix, by cyclic Jacobi rotations. Source: Golub & Van Loan, section 8.5. */
export function jacobiEigen(symmetric: Matrix): Eigen {
  const n = symmetric.rows;
  const a = symmetric.data.slice();
  const v = matrix(n, n).data;
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < maxSweeps && offDiagonal(a, n) > 1e-22 * squares(a); sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotateAway(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => get(a, j * n + j) - get(a, i * n + i));
  const vectors = matrix(n, n);
  for (const [row, i] of order.entries()) vectors.data.set(v.subarray(i * n, (i + 1) * n), row * n);
  return { values: Float64Array.from(order, (i) => get(a, i * n + i)), vectors };
}

/** One Jacobi rotation: makes a[p, q] zero and turns the eigenvectors, kept as rows of v, alike. */
function rotateAway(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = get(a, p * n + q);
  if (apq === 0) return;
  const theta = (get(a, q * n + q) - get(a, p * n + p)) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let i = 0; i < n; i++) turn(a, i * n + p, i * n + q, c, s);
  for (let i = 0; i < n; i++) {
    turn(a, p * n + i, q * n + i, c, s);
    turn(v, p * n + i, q * n + i, c, s);
  }
}

function turn(data: Float64Array, i: number, j: number, c: number, s: number): void {
  const x = get(data, i);
  const y = get(data, j);
  data[i] = c * x - s * y;
  data[j] = s * x + c * y;
}

function offDiagonal(a: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) sum += get(a, i * n + j) ** 2;
  return sum;
}

function squares(a: Float64Array): number {
  return a.reduce((sum, value) => sum + value * value, 0);
}

/** Gram-Schmidt over the rows, twice over for accuracy; a row that depends on earlier ones becomes zero. */
function orthonormalise({ rows, columns, data }: Matrix): void {
  for (let row = 0; row < rows; row++) {
    const mine = data.subarray(row * columns, (row + 1) * columns);
    const before = Math.sqrt(dot(mine, mine));
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < row; other++) {
        const theirs = data.subarray(other * columns, (other + 1) * columns);
        const share = dot(mine, theirs);
        for (let i = 0; i < columns; i++) mine[i] = get(mine, i) - share * get(theirs, i);
      }
    }
    const length = Math.sqrt(dot(mine, mine));
    const scale = length > 1e-12 * before ? 1 / length : 0;
    for (let i = 0; i < columns; i++) mine[i] = get(mine, i) * scale;
  }
}

/** a bᵀ. */
function timesTransposed(a: Matrix, b: Matrix): Matrix {
  const product = matrix(a.rows, b.rows);
  const rowsOf = ({ rows, columns, data }: Matrix) =>
    Array.from({ length: rows }, (_, i) => data.subarray(i * columns, (i + 1) * columns));
  const left = rowsOf(a);
  for (const [j, right] of rowsOf(b).entries()) {
    for (const [i, row] of left.entries()) product.data[i * b.rows + j] = dot(row, right);
  }
  return product;
}

/** a b. */
function times(a: Matrix, b: Matrix): Matrix {
  const product = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    const row = product.data.subarray(i * b.columns, (i + 1) * b.columns);
    for (let k = 0; k < a.columns; k++) {
      const factor = get(a.data, i * a.columns + k);
      for (let j = 0; j < b.columns; j++) row[j] = get(row, j) + factor * get(b.data, k * b.columns + j);
    }
  }
  return product;
}

/** Four sums side by side: one alone would wait for each addition. */
function dot(a: Float64Array, b: Float64Array): number {
  const whole = a.length - (a.length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    s0 += get(a, i) * get(b, i);
    s1 += get(a, i + 1) * get(b, i + 1);
    s2 += get(a, i + 2) * get(b, i + 2);
    s3 += get(a, i + 3) * get(b, i + 3);
  }
  for (let i = whole; i < a.length; i++) s0 += get(a, i) * get(b, i);
  return s0 + s1 + s2 + s3;
}

function get(data: Float64Array, i: number): number {
  return data[i] as number;
}
