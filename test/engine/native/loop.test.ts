import assert from "node:assert/strict";
import { floats, type HostTensor, sizeOf } from "../../../src/base/tensors.ts";
import { denseStrides } from "../../../src/engine/graph/shapes.ts";
import { fitsRegisters } from "../../../src/engine/native/loop/loopKernel.ts";
import { LOOP_BINARY, LOOP_UNARY, type LoopSpec, type LoopStep } from "../../../src/engine/native/loop/spec.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import { generator } from "../differential.ts";
import { nativeExecutor, onEveryIsa } from "./everyIsa.ts";
import { runKernel } from "./kernelRun.ts";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const unary = {
  neg: (x: number) => -x,
  sqrt: Math.sqrt,
  reciprocal: (x: number) => 1 / x,
  exp: Math.exp,
  sigmoid: logistic,
  silu: (x: number) => x * logistic(x),
  gelu: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};
const binary = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  max: Math.max,
  min: Math.min,
};

/** The value of every step at every place, in double precision; a sum stands at each place of its row. */
function evaluate(spec: LoopSpec, inputs: readonly HostTensor[]): Float64Array[] {
  const places = sizeOf(spec.sides);
  const columns = spec.sides.at(-1)!;
  const strides = denseStrides(spec.sides);
  const values: Float64Array[] = [];
  for (const step of spec.body) {
    const value = new Float64Array(places);
    for (let place = 0; place < places; place++) {
      if (step.op === "constant") value[place] = Math.fround(step.value);
      else if (step.op === "input") {
        const at = spec.inputs[step.input]!.reduce(
          (sum, stride, axis) => sum + stride * (Math.floor(place / strides[axis]!) % spec.sides[axis]!),
          0,
        );
        value[place] = inputs[step.input]!.data[at]!;
      } else if (step.op === "sum" || step.op === "reduceMax") {
        const first = place - (place % columns);
        const row = values[step.of[0]]!.subarray(first, first + columns);
        value[place] = step.op === "sum" ? row.reduce((a, b) => a + b, 0) : Math.max(...row);
      } else if (step.op === "sumDown") {
        const size = spec.sides.at(-2)! * columns;
        for (let at = Math.floor(place / size) * size + (place % columns), row = 0; row < size; row += columns)
          value[place] = value[place]! + values[step.of[0]]![at + row]!;
      } else if (step.op === "turn") {
        // Tables have half a row: in the second half they are read half a row earlier.
        const [half, first] = [columns / 2, place % columns < columns / 2];
        const [cos, sin] = step.of.slice(1).map((id) => values[id]![first ? place : place - half]!) as [number, number];
        const other = values[step.of[0]]![first ? place + half : place - half]!;
        value[place] = values[step.of[0]]![place]! * cos + (first ? -other : other) * sin;
      } else if (step.of.length === 2) {
        const op = binary[step.op as keyof typeof binary];
        value[place] = op(values[step.of[0]]![place]!, values[step.of[1]]![place]!);
      } else value[place] = unary[step.op as keyof typeof unary](values[step.of[0]]![place]!);
    }
    values.push(value);
  }
  return values;
}

function randomInputs(spec: LoopSpec, low: number, high: number): HostTensor[] {
  const next = generator(spec.inputs.length + spec.sides.at(-1)!);
  return spec.inputs.map((strides) => {
    const size = 1 + strides.reduce((sum, stride, axis) => sum + stride * (spec.sides[axis]! - 1), 0);
    return floats(
      [size],
      Float32Array.from({ length: size }, () => low + (high - low) * next()),
    );
  });
}

onEveryIsa("native loops", (isa) => {
  let executor: Executor;
  before(async () => {
    executor = await nativeExecutor(isa, 2);
  });
  after(() => executor?.dispose());

  async function check(spec: LoopSpec, low: number, high: number, tolerance: number) {
    const inputs = randomInputs(spec, low, high);
    const shapes = spec.outputs.map(({ shape }) => shape);
    const got = await runKernel(executor, { kind: "loop", ...spec }, inputs, shapes);
    const expected = evaluate(spec, inputs);
    spec.outputs.forEach(({ step, shape }, output) => {
      const [columns, perValue] = [spec.sides.at(-1)!, sizeOf(spec.sides) / sizeOf(shape)];
      const down = spec.body[step]?.op === "sumDown";
      got[output]!.data.forEach((value, i) => {
        const place = down ? Math.floor(i / columns) * columns * perValue + (i % columns) : i * perValue;
        const wanted = expected[step]![place]!;
        const error = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
        assert.ok(error <= tolerance, `output ${output} at ${i}: ${value}, not ${wanted}`);
      });
    });
  }

  for (const op of LOOP_UNARY) {
    it(`${op} equals the function in double precision`, async () => {
      const body: LoopStep[] = [
        { op: "input", input: 0 },
        { op, of: [0] },
      ];
      const [low, high] = op === "sqrt" || op === "reciprocal" ? [0.01, 20] : [-20, 20];
      const high2 = op === "exp" ? 5 : high;
      for (const columns of [1, 2, 3, 13, 14, 15, 16, 100]) {
        const spec = { sides: [7, columns], inputs: [[columns, 1]], body, outputs: [{ step: 1, shape: [7, columns] }] };
        await check(spec, low, high2, 4e-7);
      }
    });
  }

  for (const op of LOOP_BINARY) {
    it(`${op} repeats rows, columns and single numbers`, async () => {
      for (const strides of [
        [40, 8, 1],
        [0, 0, 1],
        [0, 1, 0],
        [5, 1, 0],
        [0, 0, 0],
      ]) {
        const body: LoopStep[] = [
          { op: "input", input: 0 },
          { op: "input", input: 1 },
          { op, of: [0, 1] },
        ];
        const inputs = [[40, 8, 1], strides];
        await check({ sides: [3, 5, 8], inputs, body, outputs: [{ step: 2, shape: [3, 5, 8] }] }, 0.5, 2, 3e-7);
      }
    });
  }

  it("sums and maxima of rows feed later passes, and rows may be results", async () => {
    const body: LoopStep[] = [
      { op: "input", input: 0 },
      { op: "reduceMax", of: [0] },
      { op: "sub", of: [0, 1] },
      { op: "exp", of: [2] },
      { op: "sum", of: [3] },
      { op: "reciprocal", of: [4] },
      { op: "mul", of: [3, 5] },
      { op: "input", input: 1 },
      { op: "mul", of: [6, 7] },
      { op: "sum", of: [8] },
      { op: "sub", of: [8, 9] },
    ];
    for (const columns of [1, 5, 16, 33, 256]) {
      const outputs = [
        { step: 6, shape: [12, columns] },
        { step: 9, shape: [12, 1] },
        { step: 10, shape: [12, columns] },
      ];
      await check(
        {
          sides: [12, columns],
          inputs: [
            [columns, 1],
            [0, 1],
          ],
          body,
          outputs,
        },
        -3,
        3,
        2e-6,
      );
    }
  });

  it("sum down the rows of each outermost index, beside sums of rows, in any pass", async () => {
    const body: LoopStep[] = [
      { op: "input", input: 0 },
      { op: "sumDown", of: [0] },
      { op: "mul", of: [0, 0] },
      { op: "sum", of: [2] },
      { op: "mul", of: [0, 3] },
      { op: "sumDown", of: [4] },
    ];
    for (const [outer, rows, columns] of [
      [1, 5, 16],
      [8, 3, 33],
      [4, 64, 300],
    ] as const) {
      const outputs = [
        { step: 1, shape: [outer, 1, columns] },
        { step: 4, shape: [outer, rows, columns] },
        { step: 5, shape: [outer, 1, columns] },
      ];
      const inputs = [[rows * columns, columns, 1]];
      await check({ sides: [outer, rows, columns], inputs, body, outputs }, 0.1, 1, 2e-6);
    }
    const flat = { sides: [8, 16], inputs: [[16, 1]], body: body.slice(0, 2), outputs: [{ step: 1, shape: [1, 16] }] };
    assert.equal(fitsRegisters(flat, isa), false);
  });

  it("turn the halves of a row, read from memory or computed before", async () => {
    const body: LoopStep[] = [
      { op: "input", input: 0 },
      { op: "input", input: 1 },
      { op: "input", input: 2 },
      { op: "turn", of: [0, 1, 2] },
      { op: "mul", of: [0, 3] },
      { op: "turn", of: [4, 1, 2] },
      { op: "sum", of: [5] },
      { op: "mul", of: [5, 6] },
    ];
    for (const columns of [32, 96]) {
      const shape = [5, 3, columns];
      const tables = [columns / 2, 0, 1];
      const inputs = [[3 * columns, columns, 1], tables, tables];
      const outputs = [3, 5, 7].map((step) => ({ step, shape }));
      await check({ sides: shape, inputs, body, outputs }, -1, 1, 3e-6);
    }
  });

  it("keep NaN, infinity and the ends of the exponential", async () => {
    const x = floats([1, 8], Float32Array.of(Number.NaN, Infinity, -Infinity, 89, -110, 0, -0, 88.5));
    const body: LoopStep[] = [
      { op: "input", input: 0 },
      { op: "exp", of: [0] },
      { op: "sigmoid", of: [0] },
    ];
    const outputs = [
      { step: 1, shape: [1, 8] },
      { step: 2, shape: [1, 8] },
    ];
    const [e, s] = await runKernel(
      executor,
      { kind: "loop", sides: [1, 8], inputs: [[8, 1]], body, outputs },
      [x],
      [
        [1, 8],
        [1, 8],
      ],
    );
    assert.deepEqual([...e!.data].slice(0, 7), [Number.NaN, Infinity, 0, Infinity, 0, 1, 1]);
    assert.ok(Math.abs(e!.data[7]! / Math.exp(88.5) - 1) < 1e-6);
    assert.deepEqual([...s!.data].slice(0, 3), [Number.NaN, 1, 0]);
    assert.equal(s!.data[5], 0.5);
  });

  it("round exponentials below the smallest normal float once", async () => {
    const x = Float32Array.from({ length: 400 }, (_, i) => -86 - i / 20);
    const body: LoopStep[] = [
      { op: "input", input: 0 },
      { op: "exp", of: [0] },
    ];
    const shape = [1, 400];
    const spec = { kind: "loop", sides: shape, inputs: [[400, 1]], body, outputs: [{ step: 1, shape }] } as const;
    const [e] = await runKernel(executor, spec, [floats(shape, x)], [shape]);
    assert.ok(e!.data[100]! > 0 && e!.data[100]! < 2 ** -126);
    e!.data.forEach((value, i) => {
      const error = Math.abs(value - Math.exp(x[i]!));
      assert.ok(error <= 0.51 * 2 ** -149 + 3e-7 * Math.exp(x[i]!), `exp(${x[i]}) is not ${value}`);
    });
  });

  it("know when registers do not suffice", () => {
    const count = 40;
    const body: LoopStep[] = Array.from({ length: count }, (_, input) => ({ op: "input", input }) as const);
    for (let i = 1; i < count; i++) body.push({ op: "add", of: [i === 1 ? 0 : count + i - 2, i] });
    const spec = (numInputs: number) => ({
      sides: [4, 64],
      inputs: Array.from({ length: numInputs }, () => [64, 1]),
      body: body.slice(0, count),
      outputs: [{ step: 0, shape: [4, 64] }],
    });
    assert.equal(fitsRegisters(spec(12), isa), false);
    const scalars = { sides: [4, 64], inputs: Array.from({ length: count }, () => [0, 0]), body, outputs: [] };
    assert.equal(fitsRegisters(scalars, isa), false);
  });
});
