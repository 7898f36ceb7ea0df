import { UserError } from "../../base/errors.ts";
import { namesIn } from "../../base/files.ts";
import type { DamageOptions } from "../../data/damage.ts";
import { LatentSet, openLatents } from "../../data/latents.ts";
import { ClipPool } from "../../data/mix/clipPool.ts";
import type { VaeCodec } from "../../models/vae/vaeCodec.ts";
import { ensureLatents, latentDir } from "../../train/latentCache.ts";
import { interruptible } from "./interruptible.ts";
import type { ClipStore } from "./openData.ts";
import { withProgress } from "./withProgress.ts";

/** Whose latents: the hash of the VAE's weights, and its run for people. */
export interface VaeName {
  readonly sha256: string;
  readonly run: string;
}

/**
 * The latents of each dataset, made where they are not there yet, drawn as the clips are. Datasets of latents are taken
 * as they are. @throws UserError when they are of another VAE. Interrupted at a signal.
 */
export async function latentsOf(
  clips: ClipPool<ClipStore>,
  codec: VaeCodec,
  vae: VaeName,
  damage: DamageOptions,
): Promise<ClipPool<LatentSet>> {
  const total = clips.stores.reduce((sum, { entries }) => sum + entries.length, 0);
  return interruptible((aborts) =>
    withProgress("encode latents", total, (update) => {
      let before = 0;
      return eachStore(clips, vae, async (dataset) => {
        const onProgress = (done: number): void => update(before + done);
        const { latents } = await ensureLatents(dataset, codec, vae.sha256, { ...damage, aborts, onProgress });
        before += dataset.entries.length;
        return latents;
      });
    }),
  );
}

/** The same without making any. @throws UserError when a dataset has none. */
export function presentLatents(clips: ClipPool<ClipStore>, vae: VaeName): Promise<ClipPool<LatentSet>> {
  return eachStore(clips, vae, async (dataset) => {
    const dir = latentDir(dataset, vae.sha256);
    if ((await namesIn(dir)).length > 0) return openLatents(dir);
    throw new UserError(dataset.dir, {
      expected: `its latents of the VAE in ${vae.run}`,
      got: "none",
      try: `\`kinema data encode ${dataset.dir} --vae ${vae.run}\``,
    });
  });
}

async function eachStore(
  clips: ClipPool<ClipStore>,
  vae: VaeName,
  open: (dataset: Exclude<ClipStore, LatentSet>) => Promise<LatentSet>,
): Promise<ClipPool<LatentSet>> {
  const sets: LatentSet[] = [];
  try {
    for (const store of clips.stores) {
      sets.push(store instanceof LatentSet ? ofVae(store, vae) : await open(store));
    }
    return new ClipPool(sets, clips.mix);
  } catch (error) {
    for (const set of sets) await set.close();
    throw error;
  }
}

function ofVae(latents: LatentSet, { sha256, run }: VaeName): LatentSet {
  const made = latents.manifest.made.options.vae;
  if (made === sha256) return latents;
  throw new UserError(latents.dir, {
    expected: `latents of the VAE in ${run}`,
    got: `those of ${typeof made === "string" ? `one with sha256 ${made.slice(0, 12)}...` : "none that is known"}`,
  });
}
