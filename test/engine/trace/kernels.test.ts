import assert from "node:assert/strict";
import { TRACED_KERNELS } from "../../../src/engine/trace/kernel.ts";
import { trace } from "../../../src/engine/trace/trace.ts";
import {
  assertClose,
  fill,
  gradientsOf,
  kernelsCalledBy,
  onEveryExecutor,
  runCompiled,
  runEagerly,
} from "../differential.ts";
import { KERNEL_CASES } from "./kernelCases.ts";

/** Kernels of this project: `engine/ops` has their tests, as layers. */
const LAYERS = ["Conv", "Gelu", "LayerNorm", "RmsNorm", "Rotary", "Silu", "SumSquares"];

const TOLERANCE = 2e-6;
const GRADIENT_TOLERANCE = 1e-5;

describe("kernel cases", () => {
  it("cover every kernel that can be recorded", () => {
    const covered = [...Object.keys(KERNEL_CASES), ...LAYERS];
    assert.deepEqual([...new Set(covered)].sort(), [...TRACED_KERNELS].sort());
  });

  for (const [kernel, cases] of Object.entries(KERNEL_CASES)) {
    it(`call ${kernel} when they say so`, () => {
      for (const { fn, inputs } of cases) {
        const called = kernelsCalledBy(() => trace("probe", fn, inputs));
        assert.ok(called.has(kernel), `calls ${[...called]}`);
      }
    });
  }
});

onEveryExecutor("compiled kernels equal tfjs' cpu backend", (executor) => {
  for (const [kernel, cases] of Object.entries(KERNEL_CASES)) {
    it(kernel, async () => {
      for (const [index, { fn, inputs, smooth }] of cases.entries()) {
        const given = fill(inputs, 1000 + index);
        assertClose(await runCompiled(executor(), fn, given), runEagerly(fn, given), TOLERANCE);
        if (!smooth) continue;
        const gradients = gradientsOf(fn, inputs);
        assertClose(await runCompiled(executor(), gradients, given), runEagerly(gradients, given), GRADIENT_TOLERANCE);
      }
    });
  }
});
