import assert from "node:assert/strict";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { withCompile } from "../../src/engine/withCompile.ts";
import { drawLatents } from "../../src/sampling/drawLatents.ts";
import { KeptFlow } from "../../src/sampling/keptFlow.ts";
import { samplesSchema } from "../../src/sampling/samplingConfig.ts";
import { randomVideoModel } from "./samplingSetting.ts";

describe("KeptFlow", () => {
  let engine: Engine;
  const alive: string[] = [];
  let numCompiled = 0;
  before(async () => {
    const inner = await createOnnxEngine({ threads: 1 });
    engine = withCompile(inner, async (name, ...rest) => {
      const program = await inner.compile(name, ...rest);
      numCompiled++;
      alive.push(name);
      const dispose = () => {
        alive.splice(alive.indexOf(name), 1);
        return program.dispose();
      };
      return Object.assign(Object.create(program), { dispose });
    });
  });
  after(() => engine.dispose());

  const { sampler, guidance } = samplesSchema.parse({ sampler: { kind: "unipc", steps: 3 } });

  it("compiles once for calls with the same grids, whose clips are those of calls of their own", async () => {
    const model = randomVideoModel(engine);
    const kept = new KeptFlow(model, { sampler, guidance });
    const draw = (prompt: string, t: number, keeps: boolean) =>
      drawLatents(model, [{ prompt, grid: { t, h: 4, w: 4 } }], {
        seed: 1,
        sampler,
        guidance,
        ...(keeps ? { kept } : {}),
      });
    const [a, b] = [await draw("a", 2, true), await draw("b", 2, true)];
    assert.equal(numCompiled, 2);
    const c = await draw("c", 1, true);
    assert.deepEqual(alive, ["denoise guided 1x2x2", "unipc 1x2x2"]);
    await kept.dispose();
    assert.deepEqual(alive, []);
    assert.deepEqual([await draw("a", 2, false), await draw("b", 2, false), await draw("c", 1, false)], [a, b, c]);
    assert.deepEqual([alive, numCompiled], [[], 10]);
  });
});
