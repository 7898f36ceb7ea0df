import assert from "node:assert/strict";
import type { HostMap, TensorFn } from "../../../src/engine/engine.ts";
import {
  assertClose,
  fill,
  gradientsOf,
  onEveryExecutor,
  type Recipes,
  runCompiled,
  runEagerly,
  weightedSum,
} from "../differential.ts";
import { LAYER_CASES } from "./layerCases.ts";

const TOLERANCE = 2e-6;
const GRADIENT_TOLERANCE = 1e-5;

/** Central differences of float32 values: what they can tell. */
const STEP = 2 ** -7;
const DIFFERENCE_TOLERANCE = 1e-3;

onEveryExecutor("recorded layers", (executor) => {
  for (const [name, cases] of Object.entries(LAYER_CASES)) {
    it(`${name} equals its composition of plain operations, forward and gradient`, async () => {
      for (const [index, { fn, inputs }] of cases.entries()) {
        const given = fill(inputs, 500 + index);
        assertClose(await runCompiled(executor(), fn, given), runEagerly(fn, given), TOLERANCE);
        const gradients = gradientsOf(fn, inputs);
        assertClose(await runCompiled(executor(), gradients, given), runEagerly(gradients, given), GRADIENT_TOLERANCE);
      }
    });

    it(`${name} has the gradient that central differences of its value show`, async () => {
      for (const [index, { fn, inputs }] of cases.entries()) {
        const given = fill(inputs, 700 + index);
        const gradients = await runCompiled(executor(), gradientsOf(fn, inputs), given);
        for (const input of Object.keys(inputs)) checkSlope(fn, inputs, given, gradients, input);
      }
    });
  }
});

/** Moves one input a little along a direction, both ways, and compares with the gradient along it. */
function checkSlope(fn: TensorFn, inputs: Recipes, given: HostMap, gradients: HostMap, input: string): void {
  const recipe = inputs[input];
  const tensor = given[input];
  const gradient = gradients[`d${input}`];
  assert(recipe !== undefined && tensor !== undefined && gradient !== undefined);
  const direction = fill({ d: { ...recipe, low: -1, high: 1 } }, 42).d;
  assert(direction !== undefined);
  const along = (step: number): number => {
    const data = Float32Array.from(tensor.data, (value, i) => value + step * (direction.data[i] ?? 0));
    return weightedSum(runEagerly(fn, { ...given, [input]: { ...tensor, data } }));
  };
  const slope = (along(STEP) - along(-STEP)) / (2 * STEP);
  const told = Array.from(gradient.data, (value, i) => value * (direction.data[i] ?? 0)).reduce((a, b) => a + b, 0);
  const size = Math.max(1, Math.hypot(...gradient.data));
  assert.ok(Math.abs(slope - told) <= DIFFERENCE_TOLERANCE * size, `${input}: slope ${slope}, gradient tells ${told}`);
}
