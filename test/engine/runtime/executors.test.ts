import assert from "node:assert/strict";
import { floats, ints } from "../../../src/base/tensors.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import {
  executorFactories,
  executorNames,
  openExecutor,
  probeExecutor,
} from "../../../src/engine/runtime/executors.ts";
import { boolSpec, floatSpec, intSpec, smallModel } from "./smallModels.ts";

const add = () =>
  smallModel(
    [{ op: "Add", inputs: ["a", "b"], outputs: ["c"] }],
    { a: floatSpec(3), b: floatSpec(3) },
    { c: floatSpec(3) },
  );
const numbers = (...values: number[]) => floats([values.length], Float32Array.from(values));

for (const name of executorNames) {
  describe(`executor ${name}`, () => {
    let executor: Executor;
    before(async () => {
      executor = await executorFactories[name](2);
    });
    after(() => executor.dispose());

    it("reads and writes the memory it is bound to, at every run", async () => {
      const session = await executor.open(add());
      const [a, b, c] = [numbers(1, 2, 3), numbers(10, 20, 30), floats([3])];
      const run = session.bind({ a, b }, { c });
      await run.run();
      assert.deepEqual([...c.data], [11, 22, 33]);
      a.data[0] = 5;
      await run.run();
      assert.deepEqual([...c.data], [15, 22, 33]);
      await session.dispose();
    });

    it("takes views into larger buffers and writes nothing around them", async () => {
      const session = await executor.open(add());
      const flat = Float32Array.from([9, 1, 2, 3, 9, 0, 0, 0, 9]);
      const run = session.bind(
        { a: floats([3], flat.subarray(1, 4)), b: numbers(1, 1, 1) },
        { c: floats([3], flat.subarray(5, 8)) },
      );
      await run.run();
      assert.deepEqual([...flat], [9, 1, 2, 3, 9, 2, 3, 4, 9]);
      await session.dispose();
    });

    it("takes shared memory", async () => {
      const session = await executor.open(add());
      const shared = new Float32Array(new SharedArrayBuffer(12));
      const run = session.bind(
        { a: numbers(1, 2, 3), b: numbers(1, 1, 1) },
        { c: { shape: [3], dtype: "float32", data: shared } },
      );
      await run.run();
      assert.deepEqual([...shared], [2, 3, 4]);
      await session.dispose();
    });

    it("updates in place, chained elementwise operations among them", async () => {
      const nodes = [
        { op: "Mul", inputs: ["x", "x"], outputs: ["square"] },
        { op: "Add", inputs: ["square", "x"], outputs: ["y"] },
        { op: "Neg", inputs: ["m"], outputs: ["n"] },
      ];
      const size = 100_003;
      const specs = { x: floatSpec(size), m: floatSpec(size) };
      const session = await executor.open(smallModel(nodes, specs, { y: floatSpec(size), n: floatSpec(size) }));
      const x = floats(
        [size],
        Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
      );
      const m = floats(
        [size],
        Float32Array.from({ length: size }, (_, i) => i),
      );
      const expected = x.data.map((v) => Math.fround(Math.fround(v * v) + v));
      await session.bind({ x, m }, { y: x, n: m }).run();
      assert.deepEqual(x.data, expected);
      assert.equal(m.data[7], -7);
      await session.dispose();
    });

    it("carries float, int and bool tensors, scalars and empty ones", async () => {
      const nodes = [
        { op: "Greater", inputs: ["x", "limit"], outputs: ["above"] },
        { op: "Where", inputs: ["mask", "i", "j"], outputs: ["chosen"] },
        { op: "Identity", inputs: ["none"], outputs: ["nothing"] },
      ];
      const inputs = {
        x: floatSpec(3),
        limit: floatSpec(),
        mask: boolSpec(3),
        i: intSpec(3),
        j: intSpec(),
        none: floatSpec(0, 4),
      };
      const outputs = { above: boolSpec(3), chosen: intSpec(3), nothing: floatSpec(0, 4) };
      const session = await executor.open(smallModel(nodes, inputs, outputs));
      const above = { shape: [3], dtype: "bool", data: new Uint8Array(3) } as const;
      const chosen = ints([3]);
      const run = session.bind(
        {
          x: numbers(1, 2, 3),
          limit: floats([], Float32Array.of(1.5)),
          mask: { shape: [3], dtype: "bool", data: Uint8Array.of(1, 0, 1) },
          i: ints([3], Int32Array.of(7, 8, 9)),
          j: ints([], Int32Array.of(-1)),
          none: floats([0, 4]),
        },
        { above, chosen, nothing: floats([0, 4]) },
      );
      await run.run();
      assert.deepEqual([...above.data], [0, 1, 1]);
      assert.deepEqual([...chosen.data], [7, -1, 9]);
      await session.dispose();
    });

    it("runs several bindings of several sessions at a time", async () => {
      const sessions = await Promise.all([executor.open(add()), executor.open(add()), executor.open(add())]);
      const results = await Promise.all(
        Array.from({ length: 30 }, async (_, i) => {
          const c = floats([3]);
          const run = sessions[i % 3]?.bind({ a: numbers(i, i, i), b: numbers(1, 2, 3) }, { c });
          await run?.run();
          return [...c.data];
        }),
      );
      results.forEach((got, i) => {
        assert.deepEqual(got, [i + 1, i + 2, i + 3]);
      });
      await Promise.all(sessions.map((session) => session.dispose()));
    });

    it("keeps small arrays in place while the collector runs", async () => {
      const session = await executor.open(add());
      const runs = Array.from({ length: 200 }, (_, i) => {
        const c = floats([3]);
        return { c, i, run: session.bind({ a: numbers(i, i, i), b: numbers(0, 0, 0) }, { c }) };
      });
      let litter: number[][] = [];
      for (let round = 0; round < 300; round++) litter = [...litter.slice(-50), new Array<number>(10_000).fill(round)];
      for (const { run } of runs) await run.run();
      for (const { c, i } of runs) assert.deepEqual([...c.data], [i, i, i]);
      await session.dispose();
    });

    it("refuses a second run of a binding under way", async () => {
      const session = await executor.open(add());
      const run = session.bind({ a: numbers(1, 2, 3), b: numbers(1, 1, 1) }, { c: floats([3]) });
      const first = run.run();
      await assert.rejects(run.run(), /small: this binding is running/);
      assert.throws(() => run.dispose(), /is running/);
      await first;
      await session.dispose();
    });

    it("names the program and the tensor when memory does not fit", async () => {
      const session = await executor.open(add());
      const [a, b, c] = [numbers(1, 2, 3), numbers(1, 1, 1), floats([3])];
      assert.throws(() => session.bind({ a }, { c }), /^Error: small: input b is missing$/);
      assert.throws(() => session.bind({ a, b, x: a }, { c }), /small: it has no input x; it has a, b/);
      assert.throws(
        () => session.bind({ a, b: floats([4]) }, { c }),
        /input b: expected float32 \[3\], got float32 \[4\]/,
      );
      assert.throws(
        () => session.bind({ a, b }, { c: ints([3]) }),
        /output c: expected float32 \[3\], got int32 \[3\]/,
      );
      const short = { shape: [3], dtype: "float32", data: new Float32Array(2) } as const;
      assert.throws(
        () => session.bind({ a, b }, { c: short }),
        /expected data for float32 \[3\], got Float32Array of 2/,
      );
      await session.dispose();
    });

    it("tells what ONNX Runtime found wrong in a model", async () => {
      const broken = { ...add(), bytes: Uint8Array.of(1, 2, 3) };
      await assert.rejects(executor.open(broken), /^Error: small: .*protobuf/s);
      const unknown = smallModel(
        [{ op: "Nonsense", inputs: ["x"], outputs: ["y"] }],
        { x: floatSpec(1) },
        { y: floatSpec(1) },
      );
      await assert.rejects(executor.open(unknown), /^Error: small: .*Nonsense/s);
    });

    it("tells what went wrong in a run, and can run again", async () => {
      const node = { op: "Gather", inputs: ["x", "i"], outputs: ["y"] };
      const session = await executor.open(smallModel([node], { x: floatSpec(3), i: intSpec(1) }, { y: floatSpec(1) }));
      const i = ints([1], Int32Array.of(7));
      const y = floats([1]);
      const run = session.bind({ x: numbers(1, 2, 3), i }, { y });
      for (let round = 0; round < 50; round++) await assert.rejects(run.run(), /^Error: small: .*out of data bounds/s);
      i.data[0] = 2;
      await run.run();
      assert.equal(y.data[0], 3);
      await session.dispose();
    });

    it("refuses to work after dispose, which waits for runs under way and may be repeated", async () => {
      const session = await executor.open(add());
      const c = floats([3]);
      const run = session.bind({ a: numbers(1, 2, 3), b: numbers(1, 1, 1) }, { c });
      const running = run.run();
      await session.dispose();
      await running;
      assert.deepEqual([...c.data], [2, 3, 4]);
      await assert.rejects(run.run(), /this binding was disposed/);
      assert.throws(() => session.bind({}, {}), /it was disposed/);
      run.dispose();
      await session.dispose();
    });

    it("gives the same bits whatever its threads, beside an executor with another number of threads", async () => {
      const node = { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] };
      const model = smallModel([node], { x: floatSpec(64, 128), w: floatSpec(128, 96) }, { y: floatSpec(64, 96) });
      const x = floats(
        [64, 128],
        Float32Array.from({ length: 64 * 128 }, (_, i) => Math.sin(i)),
      );
      const w = floats(
        [128, 96],
        Float32Array.from({ length: 128 * 96 }, (_, i) => Math.cos(3 * i)),
      );
      const single = await executorFactories[name](1);
      assert.equal(single.threads, 1);
      const results: Float32Array[] = [];
      for (const other of [executor, single]) {
        const session = await other.open(model);
        const y = floats([64, 96]);
        await session.bind({ x, w }, { y }).run();
        results.push(y.data);
        await session.dispose();
      }
      await single.dispose();
      assert.deepEqual(results[0], results[1]);
    });
  });
}

describe("choice of executor", () => {
  it("takes the C API by default", async () => {
    const executor = await openExecutor("auto", { threads: 1, spin: false });
    assert.equal(executor.name, "c");
    assert.match(executor.version, /^\d+\.\d+\.\d+$/);
    await executor.dispose();
  });

  it("tells the version of what works", async () => {
    for (const name of executorNames) assert.ok("version" in (await probeExecutor(name)), name);
  });
});
