import type { Scalar } from "@tensorflow/tfjs";
import { KeyedRandom } from "../../../base/random.ts";
import { allocate, withPrefix } from "../../../base/tensors.ts";
import { ofFrames } from "../../../diffusion/clipNoise.ts";
import { buildDiT, ditObjective, type LatentModel } from "../../../diffusion/ditPrograms.ts";
import { lossWeights } from "../../../diffusion/lossWeights.ts";
import type { Engine, HostMap, Signature } from "../../../engine/engine.ts";
import { ditSchema } from "../../../models/dit/ditConfig.ts";
import { byteEncoderSchema } from "../../../models/text/textConfig.ts";
import { textRow } from "../../../models/text/textRow.ts";
import { declareParams } from "../../../nn/params.ts";
import { FlatLayout } from "../../../train/flatState.ts";
import { BATCH, compileGradient, GRAD, PARAM } from "../../../train/gradientProgram.ts";
import { median } from "../case.ts";
import { randomParams } from "../randomParams.ts";
import type { PackingWay, WayProgram } from "./ways.ts";

const text = byteEncoderSchema.parse({ kind: "bytes", maxTokens: 32, width: 64, depth: 1, prefixBuckets: 0 });
/** The model that every way trains. */
export const PACKING_MODEL: LatentModel = {
  dit: ditSchema.parse({ kind: "dit", width: 256, heads: 4, depth: 2, patch: [1, 1, 1], text }),
  latentChannels: 16,
  prediction: "v",
};

/** How fast one way is. */
export interface WayResult {
  readonly way: string;
  readonly describe: string;
  /** Tokens of clips a second; padding does not count. */
  readonly tokensPerSecond: number;
  readonly programs: number;
  /** Mean time of a gradient step, and mean share of its tokens that are clips'. */
  readonly msPerStep: number;
  readonly fill: number;
}

/**
 * Times every program of every way, in turns: gradients of one model on one engine. A way's programs count as often as
 * it runs them.
 * @param rounds measured runs of each program, after one to warm up; the median counts.
 */
export async function compareWays(
  engine: Engine,
  ways: readonly PackingWay[],
  rounds: number,
  update: (done: number) => void,
): Promise<WayResult[]> {
  const layout = new FlatLayout(declareParams((p) => buildDiT(PACKING_MODEL, p)));
  const [params, grad] = [randomParams(layout), layout.allocate()];
  const timed: { way: PackingWay; program: WayProgram; run: () => Promise<unknown>; times: number[] }[] = [];
  for (const way of ways) {
    for (const program of way.programs) {
      timed.push({ way, program, run: await prepare(engine, layout, params, grad, program), times: [] });
    }
  }
  let done = 0;
  for (let round = 0; round <= rounds; round++) {
    for (const { run, times } of timed) {
      const started = performance.now();
      await run();
      if (round > 0) times.push(performance.now() - started);
      update(++done);
    }
  }
  return ways.map((way) => {
    const own = timed.filter((entry) => entry.way === way);
    const mean = (of: (program: WayProgram, ms: number) => number) =>
      own.reduce((sum, { program, times }) => sum + program.runsPerClip * of(program, median(times)), 0);
    const runs = mean(() => 1);
    const tokens = mean((program) => program.tokens);
    const ms = mean((_, time) => time);
    return {
      way: way.name,
      describe: way.describe,
      tokensPerSecond: Math.round((1000 * tokens) / ms),
      programs: own.length,
      msPerStep: Math.round(ms / runs),
      fill: Math.round((1000 * tokens) / mean(({ layout }) => layout.numTokens)) / 1000,
    };
  });
}

/** Compiles and binds one program; the function it gives runs a gradient step. */
async function prepare(
  engine: Engine,
  layout: FlatLayout,
  params: Float32Array,
  grad: Float32Array,
  program: WayProgram,
): Promise<() => Promise<void>> {
  const objective = ditObjective(PACKING_MODEL, program.shape);
  const compiled = await compileGradient(engine, layout, {
    key: program.shape.key,
    signature: objective.inputs,
    loss: (p, batch) => ({ loss: objective.fn(p, batch).loss as Scalar, aux: {} }),
  });
  const binding = compiled.bind(
    { ...layout.views(params, PARAM), ...withPrefix(batchOf(program, objective.inputs), BATCH) },
    layout.views(grad, GRAD),
  );
  return () => binding.run();
}

/** Random clips in their places, each with a caption. */
function batchOf({ layout, inputs }: WayProgram, signature: Signature): HostMap {
  const tensors = Object.fromEntries(
    Object.entries(signature).map(([name, spec]) => [name, inputs[name] ?? allocate(spec)]),
  );
  for (const name of ["x0_LP", "eps_LP"])
    new KeyedRandom(0, "bench", name).fillNormal(tensors[name]?.data as Float32Array);
  const random = new KeyedRandom(0, "bench", "time");
  const times = layout.clips.map(() => random.uniform());
  tensors.t_F?.data.set(ofFrames(layout, times));
  tensors.weight_F?.data.set(lossWeights(layout, "token"));
  const row = textRow("a red circle moves left", text);
  for (const { slot } of layout.clips) tensors.text_CR?.data.set(row, slot * row.length);
  return tensors;
}
