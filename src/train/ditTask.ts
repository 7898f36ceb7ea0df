import type { Scalar } from "@tensorflow/tfjs";
import { assert, UserError } from "../base/errors.ts";
import { compareGrids, type Grid, gridKey } from "../base/grid.ts";
import type { JsonValue } from "../base/json.ts";
import { KeyedRandom } from "../base/random.ts";
import { floats, ints } from "../base/tensors.ts";
import { isHeldOut } from "../data/heldOut.ts";
import type { LatentEntry, LatentSet } from "../data/latents.ts";
import { PackLoader } from "../data/loader/packLoader.ts";
import { choosePlans, type Plan } from "../data/plans.ts";
import { buildDiT, ditObjective, type LatentModel } from "../diffusion/ditPrograms.ts";
import { lossWeights } from "../diffusion/lossWeights.ts";
import { drawTime, frameTimes } from "../diffusion/timeSampling.ts";
import { PackPlan } from "../models/patches/pack.ts";
import { patchify, patchWidth, tokenGrid } from "../models/patches/patchify.ts";
import { textRow, textRowLength } from "../models/text/textEncoder.ts";
import { type LatentStats, normaliseLatents } from "../models/vae/latents.ts";
import { declareParams } from "../nn/params.ts";
import type { ObjectiveConfig, PackingConfig } from "./ditConfig.ts";
import type { Arrangement, Batch, Task } from "./task.ts";

export interface DitTaskOptions {
  readonly model: LatentModel;
  readonly latents: LatentSet;
  readonly statistics: LatentStats;
  readonly objective: ObjectiveConfig;
  readonly packing: PackingConfig;
  /** Share of clips, by content hash, that is never trained on. */
  readonly heldOut: number;
  readonly seed: number;
}

/** Training of a diffusion transformer on packs of latents. */
export class DitTask implements Task {
  readonly params;
  readonly plans: readonly Plan[];
  private readonly options: DitTaskOptions;
  private readonly loader: PackLoader;
  private readonly arrangements: readonly PackArrangement[];

  /** @throws UserError when the patch does not divide a clip's latent grid or a clip does not fit into a pack. */
  constructor(options: DitTaskOptions) {
    const { model, latents, heldOut, packing, seed } = options;
    const clips = latents.entries
      .filter(({ hash }) => !isHeldOut(hash, heldOut))
      .map((entry) => ({ index: entry.index, grid: tokensOf(entry, model) }));
    if (clips.length === 0) throw new UserError("data", { expected: "clips to train on", got: "none" });
    this.params = declareParams((p) => buildDiT(model, p));
    this.options = options;
    this.plans = choosePlans(histogram(clips.map(({ grid }) => grid)), packing);
    this.loader = new PackLoader(this.plans, clips, seed);
    this.arrangements = this.plans.map(({ grids }) => packArrangement(model, grids));
  }

  async startingValues() {
    return {};
  }

  async nextBatch(step: number, part: number): Promise<Batch> {
    const { plan, clips } = this.loader.next();
    const cursor = this.loader.state;
    const arrangement = this.arrangements[plan];
    assert(arrangement !== undefined, `plan ${plan} has an arrangement`);
    const { pack } = arrangement;
    const entries = withRepeats(clips.map((index) => this.options.latents.entries[index] as LatentEntry));
    const x0_LP = await this.cleanTokens(pack, entries);
    const inputs = {
      x0_LP,
      eps_LP: this.noise(x0_LP, pack, entries, step, part),
      t_F: floats([pack.numFrames], this.times(pack, entries, step, part)),
      weight_F: floats([pack.numFrames], lossWeights(pack, this.options.objective.weighting)),
      ...this.text(entries, step, part),
    };
    return { arrangement, inputs, numClips: pack.numClips, numTokens: pack.numTokens, cursor };
  }

  seek(cursor: JsonValue): void {
    this.loader.restore(cursor);
  }

  /** Normalised latents of the clips as one sequence of tokens. */
  private async cleanTokens(pack: PackPlan, entries: readonly PackedEntry[]) {
    const { model, latents, statistics } = this.options;
    const numValues = patchWidth(model.dit.patch, model.latentChannels);
    const x0_LP = floats([pack.numTokens, numValues]);
    for (const [i, { index, grid }] of entries.entries()) {
      const { start, end } = valuesOf(pack, i, numValues);
      const latent = normaliseLatents((await latents.read(index)).slice(), statistics);
      patchify(latent, grid, model.dit.patch, x0_LP.data.subarray(start, end));
    }
    return x0_LP;
  }

  /** Noise of each clip, keyed by its content and the step: no other clip of the pack changes it. */
  private noise(x0_LP: { shape: readonly number[] }, pack: PackPlan, entries: readonly PackedEntry[], ...at: number[]) {
    const eps_LP = floats(x0_LP.shape);
    for (const [i, { hash, repeat }] of entries.entries()) {
      const { start, end } = valuesOf(pack, i, x0_LP.shape[1] as number);
      new KeyedRandom(this.options.seed, "noise", hash, ...at, repeat).fillNormal(eps_LP.data.subarray(start, end));
    }
    return eps_LP;
  }

  /** One time for all frames of a clip. */
  private times(pack: PackPlan, entries: readonly PackedEntry[], ...at: number[]): Float32Array {
    const time_C = pack.clips.map(({ numTokens }, i) => {
      const { hash, repeat } = entries[i] as PackedEntry;
      const random = new KeyedRandom(this.options.seed, "time", hash, ...at, repeat);
      return drawTime(this.options.objective.time, numTokens, random);
    });
    return frameTimes(pack, time_C);
  }

  private text(entries: readonly PackedEntry[], ...at: number[]) {
    const { text } = this.options.model.dit;
    if (text.kind === "none") return {};
    const text_CR = ints([entries.length, textRowLength(text)]);
    for (const [i, { caption, hash, repeat }] of entries.entries()) {
      const random = new KeyedRandom(this.options.seed, "caption drop", hash, ...at, repeat);
      const dropped = random.uniform() < this.options.objective.captionDrop;
      text_CR.data.set(textRow(dropped ? undefined : caption, text), i * textRowLength(text));
    }
    return { text_CR };
  }
}

/** A clip in a pack. `repeat` counts the same content before it: each time it gets draws of its own. */
interface PackedEntry extends LatentEntry {
  readonly repeat: number;
}

function withRepeats(entries: readonly LatentEntry[]): PackedEntry[] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const repeat = seen.get(entry.hash) ?? 0;
    seen.set(entry.hash, repeat + 1);
    return { ...entry, repeat };
  });
}

interface PackArrangement extends Arrangement {
  readonly pack: PackPlan;
}

function packArrangement(model: LatentModel, grids: readonly Grid[]): PackArrangement {
  const pack = new PackPlan(grids);
  const objective = ditObjective(model, pack);
  return {
    key: pack.key,
    pack,
    signature: objective.inputs,
    loss: (params, batch) => ({ loss: objective.fn(params, batch).loss as Scalar, aux: {} }),
  };
}

function tokensOf({ grid, source }: LatentEntry, model: LatentModel): Grid {
  return tokenGrid(grid, model.dit.patch, `dit.patch for ${source}`);
}

function valuesOf(pack: PackPlan, clip: number, numValues: number): { start: number; end: number } {
  const span = pack.clips[clip];
  assert(span !== undefined, `clip ${clip} of ${pack.numClips}`);
  return { start: span.firstToken * numValues, end: (span.firstToken + span.numTokens) * numValues };
}

function histogram(grids: readonly Grid[]): { grid: Grid; count: number }[] {
  const counts = new Map<string, { grid: Grid; count: number }>();
  for (const grid of grids) {
    const entry = counts.get(gridKey(grid)) ?? { grid, count: 0 };
    entry.count++;
    counts.set(gridKey(grid), entry);
  }
  return [...counts.values()].sort((a, b) => compareGrids(a.grid, b.grid));
}
