import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { createEagerEngine } from "../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import type { Task } from "../../src/train/task.ts";
import { scratchFolder } from "../data/scratch.ts";
import { whyNoTensorflow } from "../engine/eager/nativeTensorflow.ts";
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

  const engines = {
    cpu: () => createEagerEngine("cpu"),
    "onnx through its C API": () => createOnnxEngine({ threads: 1, executor: "c" }),
    "onnx through its JavaScript API": () => createOnnxEngine({ threads: 1, executor: "js" }),
    "native TensorFlow": () => createEagerEngine("tensorflow"),
  } satisfies Record<string, () => Promise<Engine>>;
  type EngineName = keyof typeof engines;
  const all: [EngineName, ...EngineName[]] = ["cpu", "onnx through its C API", "onnx through its JavaScript API"];

  async function lossesOn(engineName: EngineName, task: Task) {
    const engine = await engines[engineName]();
    try {
      const { lines, plans } = await runLoop(engine, task, { train: { steps: STEPS, logEvery: 1 } });
      return { losses: lines.map(({ loss }) => loss), norms: lines.map(({ gradNorm }) => gradNorm), plans };
    } finally {
      await engine.dispose();
    }
  }

  /** Trains on every engine named and compares with the first. Gives the first one's figures. */
  async function assertAllAgree(
    makeTask: () => Task | Promise<Task>,
    [first, ...others]: [EngineName, ...EngineName[]] = all,
  ) {
    const reference = await lossesOn(first, await makeTask());
    assert.equal(reference.losses.length, STEPS);
    for (const name of others) {
      const other = await lossesOn(name, await makeTask());
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

  it("native TensorFlow agrees, where it is installed", async function () {
    const reason = await whyNoTensorflow();
    if (reason !== undefined) {
      console.log(`skipped: training on native TensorFlow: ${reason}`);
      this.skip();
    }
    for (const makeTask of [() => smallVaeTask(dataset), () => smallDitTask(data)]) {
      await assertAllAgree(makeTask, ["onnx through its C API", "native TensorFlow"]);
    }
  });
});
