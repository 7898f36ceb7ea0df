/** Adds 2 and 3 with one executor, in a process of its own. Use: runSmallModel.ts EXECUTOR */
import { floats } from "../../../src/base/tensors.ts";
import { executorFactories, executorNames } from "../../../src/engine/runtime/executors.ts";
import { floatSpec, smallModel } from "./smallModels.ts";

const name = executorNames.find((known) => known === process.argv[2]);
if (name === undefined) throw new Error(`expected one of ${executorNames.join(", ")}, got ${process.argv[2]}`);
const executor = await executorFactories[name](1);
const add = smallModel(
  [{ op: "Add", inputs: ["a", "b"], outputs: ["c"] }],
  { a: floatSpec(1), b: floatSpec(1) },
  { c: floatSpec(1) },
);
const session = await executor.open(add);
const c = floats([1]);
await session.bind({ a: floats([1], Float32Array.of(2)), b: floats([1], Float32Array.of(3)) }, { c }).run();
console.log(c.data[0]);
await session.dispose();
await executor.dispose();
