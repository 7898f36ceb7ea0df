import { assert } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import type { RowStores } from "../../data/shards/rowStores.ts";
import { type ClipNoise, drawClipNoise, ofFrames } from "../../diffusion/clipNoise.ts";
import { lossWeights } from "../../diffusion/lossWeights.ts";
import { limitBySnr } from "../../diffusion/minSnr.ts";
import type { HostMap } from "../../engine/engine.ts";
import type { DiTConfig } from "../../models/dit/ditConfig.ts";
import { cropLatent } from "../../models/patches/crop.ts";
import { type ClipSpan, type PackLayout, packLayout } from "../../models/patches/layout.ts";
import { latentGridOf, type Patch, patchify } from "../../models/patches/patchify.ts";
import { RowLayout, type RowRoom } from "../../models/patches/rowLayout.ts";
import { textRow } from "../../models/text/textRow.ts";
import { type LatentStats, normaliseLatents } from "../../models/vae/latents.ts";
import type { ObjectiveConfig } from "../ditConfig.ts";
import type { Assembler } from "./assembler.ts";
import type { BatchOrder, PackedClip, PackOrder } from "./order.ts";
import { ScratchReader } from "./scratchReader.ts";

/** What packs of latents are assembled by. */
export interface PackAssembly {
  readonly kind: "pack";
  readonly seed: number;
  readonly patch: Patch;
  readonly text: DiTConfig["text"];
  readonly statistics: LatentStats;
  readonly objective: ObjectiveConfig;
  /** Weight of packs on average, see `lossWeights`. */
  readonly lossDivisor: number;
  /** Rows of masked packs; undefined where packs are plans. */
  readonly room: RowRoom | undefined;
}

/**
 * Lays normalised latents of clips end to end as x0_LP, with noise eps_LP, times t_F, each frame's share of the loss
 * weight_F and, where the model reads text, text_CR. L tokens, P values of a token, F latent frames, C clips.
 * Frames that are given stand at time 0 and have no share of the loss. Where more of a clip is stored than is used, its
 * first frames are used; one whose first frame is given may begin anywhere in what is stored.
 * In masked rows, which tell the program where their clips lie, what belongs to no clip is zero.
 */
export class PackAssembler implements Assembler {
  private readonly assembly: PackAssembly;
  private readonly latents: ScratchReader;
  private readonly rows: RowLayout | undefined;

  constructor(assembly: PackAssembly, stores: RowStores) {
    this.assembly = assembly;
    this.latents = new ScratchReader(stores);
    this.rows = assembly.room === undefined ? undefined : new RowLayout(assembly.room);
  }

  async fill(order: BatchOrder, tensors: HostMap): Promise<void> {
    assert(order.kind === "pack", `an order of a pack, not ${order.kind}`);
    const { x0_LP, eps_LP, t_F, weight_F, text_CR } = tensors;
    const { objective, lossDivisor } = this.assembly;
    const pack = this.layOut(order, tensors);
    const noises = order.clips.map((clip) => this.clipNoise(clip, order));
    await this.cleanTokens(order, pack, noises, x0_LP?.data as Float32Array);
    this.noise(order, pack, eps_LP?.data as Float32Array);
    const times = ofFrames(
      pack,
      noises.map(({ times }) => times),
    );
    t_F?.data.set(times);
    const known = ofFrames(
      pack,
      noises.map(({ known }) => known),
    );
    const weights = lossWeights(pack, objective.weighting, { divisor: lossDivisor, known });
    weight_F?.data.set(objective.minSnr === undefined ? weights : limitBySnr(weights, times, objective.minSnr));
    if (text_CR !== undefined) this.text(order, pack, text_CR.data as Int32Array);
  }

  /** Where the clips lie. In masked rows it is written down for the program, and what was left there is cleared. */
  private layOut({ clips, rowClips }: PackOrder, tensors: HostMap): PackLayout {
    const grids = clips.map(({ grid }) => grid);
    if (this.rows === undefined || rowClips === undefined) return packLayout(grids);
    let first = 0;
    const rows = rowClips.map((count) => {
      first += count;
      return grids.slice(first - count, first);
    });
    const pack = this.rows.place(rows);
    for (const name of ["x0_LP", "eps_LP", "text_CR"]) tensors[name]?.data.fill(0);
    for (const [name, { data }] of Object.entries(this.rows.inputsOf(pack))) tensors[name]?.data.set(data);
    return pack;
  }

  private async cleanTokens(
    order: PackOrder,
    pack: PackLayout,
    noises: readonly ClipNoise[],
    x0_LP: Float32Array,
  ): Promise<void> {
    const { patch, statistics } = this.assembly;
    const tokens = tokensOfClips(x0_LP, pack);
    for (const [i, clip] of order.clips.entries()) {
      const { row, grid } = clip;
      const { buffer, byteLength } = await this.latents.read(row);
      const stored_thwz = new Float32Array(buffer, 0, byteLength / Float32Array.BYTES_PER_ELEMENT);
      const used = latentGridOf(grid, patch);
      const room = Math.floor((row.entry.grid.t - used.t) / patch[0]);
      const continues = room > 0 && noises[i]?.known[0] === 1;
      const first = continues ? patch[0] * this.random("window", clip, order).int(room + 1) : 0;
      const latent_thwz = cropLatent(stored_thwz, row.entry.grid, used, first);
      patchify(normaliseLatents(latent_thwz, statistics), used, patch, tokens[i]);
    }
  }

  /** Noise of each clip, keyed by its content and the step: no other clip of the pack changes it. */
  private noise(order: PackOrder, pack: PackLayout, eps_LP: Float32Array): void {
    const tokens = tokensOfClips(eps_LP, pack);
    for (const [i, clip] of order.clips.entries()) {
      this.random("noise", clip, order).fillNormal(tokens[i] as Float32Array);
    }
  }

  private clipNoise(clip: PackedClip, order: PackOrder): ClipNoise {
    const randoms = { time: this.random("time", clip, order), given: this.random("conditioning", clip, order) };
    return drawClipNoise(this.assembly.objective, clip.grid, randoms);
  }

  private text(order: PackOrder, pack: PackLayout, text_CR: Int32Array): void {
    const { text, objective } = this.assembly;
    assert(text.kind !== "none", "only a model that reads text is given some");
    for (const [i, clip] of order.clips.entries()) {
      const dropped = this.random("caption drop", clip, order).uniform() < objective.captionDrop;
      const row_R = textRow(dropped ? undefined : clip.row.entry.caption, text);
      text_CR.set(row_R, (pack.clips[i] as ClipSpan).slot * row_R.length);
    }
  }

  private random(purpose: string, { row, repeat }: PackedClip, { step, part }: PackOrder): KeyedRandom {
    return new KeyedRandom(this.assembly.seed, purpose, row.entry.hash, step, part, repeat);
  }
}

/** Views of each clip's tokens. */
function tokensOfClips(data_LP: Float32Array, pack: PackLayout): Float32Array[] {
  const numValues = data_LP.length / pack.numTokens;
  return pack.clips.map(({ firstToken, numTokens }) =>
    data_LP.subarray(firstToken * numValues, (firstToken + numTokens) * numValues),
  );
}
