import assert from "node:assert/strict";
import { floats, type HostTensor, sizeOf } from "../../../src/base/tensors.ts";
import { type ProductSpec, sidesOf, suitsKernel } from "../../../src/engine/native/product/product.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import { generator } from "../differential.ts";
import { nativeExecutor, onEveryIsa } from "./everyIsa.ts";
import { runKernel } from "./kernelRun.ts";

function randomTensor(shape: readonly number[], seed: number): HostTensor & { data: Float32Array } {
  const next = generator(seed);
  return floats(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * next() - 1),
  );
}

/** Element (row, column) of matrix `index`, stored transposed or not. */
function at({ data, shape }: HostTensor, index: number, row: number, column: number, transposed: boolean): number {
  const [stored, width] = [shape.at(-2)!, shape.at(-1)!];
  const place = transposed ? column * width + row : row * width + column;
  return data[index * stored * width + place]!;
}

/** The product summed in double precision; `index` tells which matrices entry i of the batch takes. */
function plain(spec: ProductSpec, a: HostTensor, b: HostTensor, index: (i: number) => [number, number], batch: number) {
  const { m, n, k } = sidesOf(spec);
  const c = new Float64Array(batch * m * n);
  for (let i = 0; i < batch; i++) {
    const [ia, ib] = index(i);
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let s = 0; s < k; s++) sum += at(a, ia, row, s, spec.transA) * at(b, ib, s, column, spec.transB);
        c[(i * m + row) * n + column] = spec.alpha * sum;
      }
    }
  }
  return c;
}

function worst(got: HostTensor, expected: Float64Array): number {
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - got.data[i]!)), 0);
}

const flags = [false, true].flatMap((transA) => [false, true].map((transB) => ({ transA, transB })));
const stored = (rows: number, columns: number, transposed: boolean) => (transposed ? [columns, rows] : [rows, columns]);

onEveryIsa("native products", (isa) => {
  const executors = new Map<number, Executor>();
  before(async () => {
    for (const threads of [1, 2, 3]) executors.set(threads, await nativeExecutor(isa, threads));
  });
  after(() => Promise.all([...executors.values()].map((executor) => executor.dispose())));

  const sizes = [
    [1, 1, 1],
    [14, 32, 4],
    [3, 5, 7],
    [15, 33, 17],
    [28, 64, 16],
    [33, 47, 41],
    [29, 16, 300],
    [100, 130, 70],
    [257, 48, 64],
    [40, 40, 1100],
    [13, 700, 300],
    // Parts of the inner sum that differ by a step, as tokens do that are no round number.
    [60, 40, 1023],
    [20, 64, 1025],
    [40, 40, 2571],
  ] as const;
  for (const { transA, transB } of flags) {
    it(`equal a plain loop, ${transA ? "a transposed" : "a"} times ${transB ? "b transposed" : "b"}`, async () => {
      for (const [m, n, k] of sizes) {
        const spec = {
          kind: "product",
          a: stored(m, k, transA),
          b: stored(k, n, transB),
          transA,
          transB,
          alpha: 0.5,
        } as const;
        const [a, b] = [randomTensor(spec.a, m), randomTensor(spec.b, 1000 + n)];
        const expected = plain(spec, a, b, () => [0, 0], 1);
        const [c] = await runKernel(executors.get(2)!, spec, [a, b], [[m, n]]);
        // Below the bound of any order of summation, k^2 units of rounding times the mean size of a term.
        assert.ok(worst(c!, expected) <= (k + 4) * 2 ** -24, `${m} ${n} ${k}: ${worst(c!, expected)}`);
      }
    });
  }

  it("broadcast the sides of the batch", async () => {
    const spec = {
      kind: "product",
      a: [2, 1, 20, 30],
      b: [3, 30, 40],
      transA: false,
      transB: false,
      alpha: 1,
    } as const;
    const [a, b] = [randomTensor(spec.a, 1), randomTensor(spec.b, 2)];
    const expected = plain(spec, a, b, (i) => [Math.floor(i / 3), i % 3], 6);
    const [c] = await runKernel(executors.get(2)!, spec, [a, b], [[2, 3, 20, 40]]);
    assert.ok(worst(c!, expected) < 5e-6);
  });

  it("read and write heads where they lie", async () => {
    const [clips, tokens, heads, width] = [2, 20, 3, 16];
    const shape = [clips, heads, tokens, width];
    const memory = [clips, tokens, heads, width];
    const strides = [tokens * heads * width, width, heads * width, 1];
    const walks = { a: strides, b: [width, 1], c: strides, shape: memory };
    const spec = {
      kind: "product",
      a: shape,
      b: [width, width],
      transA: false,
      transB: false,
      alpha: 1,
      walks,
    } as const;
    const [a, b] = [randomTensor(memory, 1), randomTensor(spec.b, 2)];
    const [c] = await runKernel(executors.get(2)!, spec, [a, b], [memory]);
    // Heads side by side: with one matrix for all, the product of every row of 16.
    const rows = [clips * tokens * heads, width];
    const expected = plain({ ...spec, a: rows }, floats(rows, a.data), b, () => [0, 0], 1);
    assert.ok(worst(c!, expected) < 2e-6);
  });

  it("give the same bits however many threads share them out", async () => {
    const spec = { kind: "product", a: [300, 500], b: [300, 420], transA: true, transB: false, alpha: 1 } as const;
    const [a, b] = [randomTensor(spec.a, 1), randomTensor(spec.b, 2)];
    const results: Buffer[] = [];
    for (const executor of executors.values()) {
      for (let repeat = 0; repeat < 3; repeat++) {
        const [c] = await runKernel(executor, spec, [a, b], [[500, 420]]);
        results.push(Buffer.from((c!.data as Float32Array).buffer));
      }
    }
    for (const other of results) assert.ok(other.equals(results[0]!));
  });

  it("keep NaN and infinity in their rows and columns", async () => {
    const [m, n, k] = [30, 37, 20];
    const spec = { kind: "product", a: [m, k], b: [k, n], transA: false, transB: false, alpha: 1 } as const;
    const [a, b] = [randomTensor([m, k], 1), randomTensor([k, n], 2)];
    a.data[3 * k + 4] = Number.NaN;
    b.data[5 * n + 36] = Number.POSITIVE_INFINITY;
    const [c] = await runKernel(executors.get(2)!, spec, [a, b], [[m, n]]);
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        const finite = row !== 3 && column !== 36;
        assert.equal(Number.isFinite(c!.data[row * n + column]), finite, `${row} ${column}`);
      }
    }
  });

  it("are not chosen for what is too small or empty", () => {
    const spec = (m: number, n: number, k: number) => ({
      a: [m, k],
      b: [k, n],
      transA: false,
      transB: false,
      alpha: 1,
    });
    assert.ok(suitsKernel(spec(256, 64, 64)));
    for (const [m, n, k] of [
      [0, 9, 9],
      [1, 4096, 4096],
      [4096, 1, 4096],
      [8, 8, 8],
      [1000, 1000, 0],
    ] as const) {
      assert.ok(!suitsKernel(spec(m, n, k)));
    }
  });
});
