import { UserError } from "../base/errors.ts";
import { namesIn } from "../base/files.ts";
import { type Grid, gridKey } from "../base/grid.ts";
import { type LatentSet, openLatents } from "../data/latents.ts";
import { MANIFEST_FILE, readManifest } from "../data/manifest.ts";
import { DamagedRow } from "../data/shards/damagedRow.ts";

/** Latents that were made with one VAE before, of whatever dataset: found by the content of their clip. */
export class EarlierLatents {
  private readonly sets: readonly LatentSet[];

  private constructor(sets: readonly LatentSet[]) {
    this.sets = sets;
  }

  /** Opens those of these folders that hold such latents; what is damaged or something else is passed over. */
  static async open(dirs: readonly string[], vaeSha256: string): Promise<EarlierLatents> {
    const sets: LatentSet[] = [];
    for (const dir of new Set(dirs)) {
      const set = await openSet(dir, vaeSha256);
      if (set !== undefined) sets.push(set);
    }
    return new EarlierLatents(sets);
  }

  /** The latents of a clip, or undefined when there are none that are whole. */
  async find(hash: string, grid: Grid): Promise<Float32Array | undefined> {
    for (const set of this.sets) {
      const index = set.indexOf(hash);
      const entry = index === undefined ? undefined : set.entries[index];
      if (entry === undefined || gridKey(entry.grid) !== gridKey(grid)) continue;
      try {
        return await set.read(entry.index);
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
      }
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const set of this.sets) await set.close();
  }
}

async function openSet(dir: string, vaeSha256: string): Promise<LatentSet | undefined> {
  if (!(await namesIn(dir)).includes(MANIFEST_FILE)) return undefined;
  try {
    const { kind, made } = readManifest(dir);
    return kind === "latents" && made.options.vae === vaeSha256 ? await openLatents(dir) : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
