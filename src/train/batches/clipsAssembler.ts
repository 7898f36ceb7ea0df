import { assert } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import { cutWindow, drawWindow } from "../../data/augment/window.ts";
import type { RowStores } from "../../data/shards/rowStores.ts";
import type { HostMap } from "../../engine/engine.ts";
import { toSigned } from "../../models/vae/colour.ts";
import type { Assembler } from "./assembler.ts";
import type { BatchOrder } from "./order.ts";
import { ScratchReader } from "./scratchReader.ts";

/** What clips for the autoencoder are assembled by. */
export interface ClipsAssembly {
  readonly kind: "clips";
  readonly seed: number;
  /** Whether clips may be mirrored. */
  readonly flip: boolean;
}

/**
 * Lays clips, each cut out as its view says, one after another as video_BTHWC in [-1, 1], with the noise eps_Bthwz of
 * their latents.
 */
export class ClipsAssembler implements Assembler {
  private readonly assembly: ClipsAssembly;
  private readonly rows: ScratchReader;

  constructor(assembly: ClipsAssembly, stores: RowStores) {
    this.assembly = assembly;
    this.rows = new ScratchReader(stores);
  }

  async fill(order: BatchOrder, { video_BTHWC, eps_Bthwz }: HostMap): Promise<void> {
    assert(order.kind === "clips", `an order of clips, not ${order.kind}`);
    const { clips, step, part } = order;
    const videos = shares(video_BTHWC?.data as Float32Array, clips.length);
    const noises = shares(eps_Bthwz?.data as Float32Array, clips.length);
    const { seed, flip } = this.assembly;
    for (const [i, { row, frames, view }] of clips.entries()) {
      const { hash, height, width } = row.entry;
      const clip = { frames, height, width };
      const window = drawWindow(new KeyedRandom(seed, "augment", hash, step, part, i), clip, view, flip);
      toSigned(cutWindow(await this.rows.read(row), clip, view, window), videos[i] as Float32Array);
      new KeyedRandom(seed, "posterior", hash, step, part, i).fillNormal(noises[i] as Float32Array);
    }
  }
}

/** Views of equal parts. */
function shares(data: Float32Array, count: number): Float32Array[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => data.subarray(i * size, (i + 1) * size));
}
