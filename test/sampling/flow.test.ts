import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import { floats, type HostTensor, ints } from "../../src/base/tensors.ts";
import { denoiseProgram } from "../../src/diffusion/ditPrograms.ts";
import { type GuidanceConfig, guidanceSchema, scaleAt } from "../../src/diffusion/guidance.ts";
import { type SamplerConfig, samplerSchema, solverOf } from "../../src/diffusion/sampler.ts";
import type { Engine, Transfers } from "../../src/engine/engine.ts";
import type { Executor } from "../../src/engine/runtime/executor.ts";
import { createOnnxEngine, OnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { withCompile } from "../../src/engine/withCompile.ts";
import { compileModel } from "../../src/models/compiledModel.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { textRow, textRowLength } from "../../src/models/text/textRow.ts";
import { Flow, type FlowClip } from "../../src/sampling/flow.ts";
import { followFlow, type Velocity } from "../diffusion/followFlow.ts";
import { onWebGpu } from "../engine/adapter.ts";
import { assertClose } from "../nn/numeric.ts";
import { randomVideoModel } from "./samplingSetting.ts";

const WIDTH = 16;
const grids = [
  { t: 1, h: 2, w: 2 },
  { t: 3, h: 2, w: 2 },
  { t: 2, h: 2, w: 3 },
];
const lists = {
  moving: [1, 0.8, 0.55, 0.3, 0],
  given: [0, 0, 0, 0, 0],
  late: [1, 1, 0.8, 0.6, 0.4],
};
const clips: FlowClip[] = [
  { prompt: "a", negative: "", times: [lists.moving] },
  { prompt: "b", negative: "dull", times: [lists.given, lists.moving, lists.late] },
  { prompt: "", negative: "", times: [lists.moving, lists.moving] },
].map((clip, i) => {
  const { t, h, w } = grids[i] as (typeof grids)[number];
  const start_LP = new KeyedRandom(3, "test.flow", i).fillNormal(new Float32Array(t * h * w * WIDTH));
  return { ...clip, start_LP };
});

describe("Flow", () => {
  let engine: Engine;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(() => engine.dispose());

  const velocities = new Map<string, Promise<Velocity>>();
  const velocityOf = (clip: number, words: string): Promise<Velocity> => {
    const key = `${clip} ${words}`;
    const velocity = velocities.get(key) ?? modelVelocity(clip, words);
    velocities.set(key, velocity);
    return velocity;
  };

  /** The model's velocity of one clip, from a program for it alone. */
  async function modelVelocity(clip: number, words: string): Promise<Velocity> {
    const { model, weights } = randomVideoModel(engine);
    const { text } = model.dit;
    assert.ok(text.kind === "bytes");
    const plan = new PackPlan([grids[clip] as (typeof grids)[number]]);
    const x_LP = floats([plan.numTokens, WIDTH]);
    const t_F = floats([plan.numFrames]);
    const text_CR = ints([1, textRowLength(text)], textRow(words === "" ? undefined : words, text));
    const binding = (await compileModel(engine, "alone", denoiseProgram(model, plan), weights)).bind({
      x_LP,
      t_F,
      text_CR,
    });
    return async (x, times) => {
      x_LP.data.set(x);
      t_F.data.set(times);
      await binding.run();
      const { data } = binding.outputs.v_LP as HostTensor;
      return Float32Array.from(data);
    };
  }

  /** The same in host memory, clip by clip, guided as eq. 6 of arXiv:2207.12598 says. */
  async function reference(sampler: SamplerConfig, guidance: GuidanceConfig): Promise<Float32Array[]> {
    const ends: Float32Array[] = [];
    for (const [i, { prompt, negative, times, start_LP }] of clips.entries()) {
      const [conditional, unconditional] = [await velocityOf(i, prompt), await velocityOf(i, negative)];
      const length = start_LP.length / times.length;
      const velocity: Velocity = async (x, at) => {
        const [c, u] = [await conditional(x, at), await unconditional(x, at)];
        return c.map((value, k) => {
          const scale = scaleAt(guidance, at[Math.floor(k / length)] as number);
          return (u[k] as number) + scale * (value - (u[k] as number));
        });
      };
      const tracks = times.map((list, frame) => ({ first: frame * length, length, times: list }));
      ends.push(await followFlow(solverOf(sampler), velocity, start_LP, tracks));
    }
    return ends;
  }

  const samplers = (["euler", "heun", "dpm++", "unipc"] as const).map((kind) => samplerSchema.parse({ kind }));
  const third = samplerSchema.parse({ kind: "unipc", order: 3 });
  const guidance = guidanceSchema.parse({ scale: 3 });

  it("leads clips of several sizes, each frame at its own times, as in host memory one by one", async () => {
    for (const sampler of [...samplers, third]) {
      const flow = await Flow.create(randomVideoModel(engine), grids, { sampler, guidance });
      const done: number[] = [];
      const ends = await flow.run(clips, (step) => done.push(step));
      const expected = await reference(sampler, guidance);
      for (const [i, end] of ends.entries())
        assertClose(end, expected[i] as Float32Array, 2e-5, `${sampler.kind} ${i}`, 1e-3);
      assert.deepEqual(done, [1, 2, 3, 4]);
      const [given, end] = [clips[1]?.start_LP, ends[1]].map((values) => values?.subarray(0, 4 * WIDTH));
      assert.deepEqual(end, given);
      assert.deepEqual(await flow.run(clips), ends);
      await flow.dispose();
    }
  });

  it("looks ahead on the way: as if the next step were Euler's last, and goes on as ever", async () => {
    const [euler, heun] = samplers as [SamplerConfig, SamplerConfig];
    const flow = await Flow.create(randomVideoModel(engine), grids, { sampler: euler, guidance });
    const ends = await flow.run(clips);
    const jumping = clips.map((clip) => ({
      ...clip,
      times: clip.times.map(([first = 0, then = 0]) => [first, then, 0]),
    }));
    const expected = await flow.run(jumping);
    const shown: (readonly Float32Array[])[] = [];
    const show = async (ahead: readonly Float32Array[]) => {
      shown.push(ahead);
    };
    assert.deepEqual(await flow.run(clips, () => {}, { after: 2, show }), ends);
    assert.equal(shown.length, 1);
    for (const [i, ahead] of (shown[0] ?? []).entries()) {
      assertClose(ahead, expected[i] as Float32Array, 1e-5, `clip ${i}`, 1e-4);
    }
    await flow.dispose();
    const other = await Flow.create(randomVideoModel(engine), grids, { sampler: heun, guidance });
    await other.run(clips, () => {}, { after: 3, show });
    assert.ok(shown[1]?.every((ahead) => ahead.every(Number.isFinite)));
    await other.dispose();
  });

  it("outside the interval asks a program without the negative half where that pays, to the same clips", async () => {
    const [sampler] = samplers as [SamplerConfig];
    const inside = guidanceSchema.parse({ scale: 3, interval: [0.2, 0.9] });
    const names: string[] = [];
    const alive = new Set<string>();
    const asked: string[] = [];
    const watched = (flops: number) =>
      withCompile(engine, async (name, ...rest) => {
        const program = await engine.compile(name, ...rest);
        names.push(name);
        alive.add(name);
        return Object.assign(Object.create(program), {
          flops,
          bind: (...tensors: Parameters<typeof program.bind>) => {
            const binding = program.bind(...tensors);
            const run = () => {
              asked.push(name.replace(/ \d.*/, ""));
              return binding.run();
            };
            return Object.assign(Object.create(binding), { run });
          },
          dispose: () => {
            alive.delete(name);
            return program.dispose();
          },
        });
      });
    const draw = async (flops: number) => {
      const flow = await Flow.create(randomVideoModel(watched(flops)), grids, { sampler, guidance: inside });
      const ends = await flow.run(clips);
      await flow.dispose();
      return ends;
    };
    const expected = await reference(sampler, inside);
    const small = await draw(1e6);
    assert.equal(names.length, 2);
    // The late frame is guided in the third and fourth step, when the others are too.
    names.length = 0;
    asked.length = 0;
    const large = await draw(1e12);
    assert.equal(names.length, 3);
    assert.deepEqual(
      asked.filter((name) => name.startsWith("denoise")),
      ["denoise", "denoise guided", "denoise guided", "denoise guided"],
    );
    for (const ends of [small, large]) {
      for (const [i, end] of ends.entries()) assertClose(end, expected[i] as Float32Array, 2e-5, `clip ${i}`, 1e-3);
    }
    assert.deepEqual([...alive], []);
  });

  it("with apg that keeps the parallel share, has no limit and no momentum, draws what plain guidance draws", async () => {
    const [sampler] = samplers as [SamplerConfig];
    const apg = (momentum: number) =>
      guidanceSchema.parse({ kind: "apg", scale: 3, parallel: 1, momentum, limit: 1e6 });
    const draw = async (cfg: GuidanceConfig) => {
      const flow = await Flow.create(randomVideoModel(engine), grids, { sampler, guidance: cfg });
      const ends = await flow.run(clips);
      assert.deepEqual(await flow.run(clips), ends, "the trend begins anew with every run");
      await flow.dispose();
      return ends;
    };
    const [plain, same, other] = [await draw(guidance), await draw(apg(0)), await draw(apg(-0.5))];
    for (const [i, end] of same.entries()) assertClose(end, plain[i] as Float32Array, 2e-5, `clip ${i}`, 1e-3);
    assert.notDeepEqual(other, plain);
  });

  onWebGpu("sampling with the state on the device", (executor) => {
    it("draws what the processors draw, sending times and factors a step and receiving nothing", async function () {
      this.timeout(600_000);
      const lasting = Object.create(executor(), { dispose: { value: async () => undefined } }) as Executor;
      const gpu = new OnnxEngine(lasting, { strict: true });
      const apg = guidanceSchema.parse({ kind: "apg", scale: 3 });
      for (const [sampler, cfg] of [[samplers[0], apg] as const, [third, guidance] as const]) {
        assert.ok(sampler !== undefined);
        const empty = gpu.deviceUse?.tensors;
        const expected = await Flow.create(randomVideoModel(engine), grids, { sampler, guidance: cfg });
        const flow = await Flow.create(randomVideoModel(gpu), grids, { sampler, guidance: cfg });
        const counts: Transfers[] = [];
        const ends = await flow.run(clips, () => counts.push(gpu.transfers));
        for (const [i, end] of (await expected.run(clips)).entries()) {
          assertClose(ends[i] as Float32Array, end, 1e-4, `${sampler.kind} ${i}`);
        }
        const frames = grids.reduce((sum, { t }) => sum + t, 0);
        // Whether a frame moves, and the factors: two of Euler's, sixteen of UniPC's.
        const bytes = 4 * frames * (2 + 1 + (sampler.kind === "euler" ? 2 : 16));
        for (const [i, now] of counts.entries()) {
          const before = counts[i - 1];
          if (before === undefined) continue;
          assert.equal(now.downloads, before.downloads);
          assert.equal(now.uploads - before.uploads, 3);
          assert.equal(now.uploadedBytes - before.uploadedBytes, bytes);
        }
        assert.equal(gpu.transfers.downloads - (counts.at(-1)?.downloads ?? 0), 1);
        const held = gpu.deviceUse?.tensors;
        await flow.run(clips);
        assert.equal(gpu.deviceUse?.tensors, held, "a run frees what it placed");
        await flow.dispose();
        assert.equal(gpu.deviceUse?.tensors, empty, "the weights too");
        await expected.dispose();
      }
      await gpu.dispose();
    });
  });
});
