import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { createEagerEngine } from "../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import type { Task } from "../../src/train/task.ts";
import { scratchFolder } from "../data/scratch.ts";
import { runLoop, type SmallLatents, smallDitTask, smallLatents, smallVaeTask, smallWorld } from "./loopSetting.ts";

const STEPS = 5;
const TOLERANCE = 1e-4;

describe("one recipe on every engine", function () {
  this.timeout(120_000);
  const folder = scratchFolder();
  let dataset: Dataset;
  let data: SmallLatents;
  before(async () => {
    dataset = await smallWorld(folder());
    data = await smallLatents(dataset);
  });
  after(async () => {
    await data.latents.close();
    await dataset.close();
  });

  const engines: Readonly<Record<string, () => Promise<Engine>>> = {
    cpu: () => createEagerEngine("cpu"),
    "onnx through its C API": () => createOnnxEngine({ threads: 1, executor: "c" }),
    "onnx through its JavaScript API": () => createOnnxEngine({ threads: 1, executor: "js" }),
  };

  async function lossesOn(engineName: string, task: Task) {
    const engine = await (engines[engineName] as () => Promise<Engine>)();
    try {
      const { lines, plans } = await runLoop(engine, task, { train: { steps: STEPS, logEvery: 1 } });
      return { losses: lines.map(({ loss }) => loss), norms: lines.map(({ gradNorm }) => gradNorm), plans };
    } finally {
      await engine.dispose();
    }
  }

  async function assertAllAgree(makeTask: () => Task) {
    const reference = await lossesOn("cpu", makeTask());
    assert.equal(reference.losses.length, STEPS);
    for (const name of Object.keys(engines).slice(1)) {
      const other = await lossesOn(name, makeTask());
      for (const figure of ["losses", "norms"] as const) {
        for (const [i, expected] of reference[figure].entries()) {
          const error = Math.abs((other[figure][i] as number) - expected) / Math.abs(expected);
          assert.ok(error <= TOLERANCE, `${name}, ${figure} of step ${i + 1}: ${error}`);
        }
      }
    }
    return reference;
  }

  it("the VAE's losses and gradients agree for five steps", async () => {
    const { losses } = await assertAllAgree(() => smallVaeTask(dataset));
    assert.equal(new Set(losses).size, STEPS);
  });

  it("the diffusion transformer's agree, on packs of three grids and with text", async () => {
    const { plans } = await assertAllAgree(() => smallDitTask(data));
    const grids = plans.map((key) => new Set(key.match(/\d+x\d+x\d+/g)));
    assert.ok(
      grids.some((held) => held.size >= 3 && [...held].some((grid) => grid.startsWith("1x"))),
      plans.join("; "),
    );
  });
});
