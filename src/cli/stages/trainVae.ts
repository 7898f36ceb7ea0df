import { join } from "node:path";
import type { HostTensor } from "../../base/tensors.ts";
import type { Resolved } from "../../config/recipe.ts";
import type { Dataset } from "../../data/dataset.ts";
import { isHeldOut } from "../../data/heldOut.ts";
import type { ClipPool } from "../../data/mix/clipPool.ts";
import type { Engine, HostMap } from "../../engine/engine.ts";
import { reconstruct } from "../../evaluation/reconstruction.ts";
import { VaeCodec } from "../../models/vae/vaeCodec.ts";
import type { VaeRecipe } from "../../registry.ts";
import { latentStatistics } from "../../train/latentStatistics.ts";
import { loadVae, saveVae } from "../../train/vaeFolder.ts";
import { VaeTask } from "../../train/vaeTask.ts";
import { reconstructionSheet } from "./pictures.ts";
import { runRecipe } from "./runRecipe.ts";
import { runStage } from "./runStage.ts";
import { spread } from "./spread.ts";

/** Clips that are reconstructed for a sample picture. */
const PICTURE_CLIPS = 6;
/** Clips that the last figure is a mean over, at most. */
const EVALUATED_CLIPS = 200;

/** Where a VAE's run keeps the finished VAE. */
export function vaeDirOf(runDir: string): string {
  return join(runDir, "vae");
}

/** What training a VAE gave. */
export interface VaeResult {
  readonly exitCode: number | undefined;
  /** Mean PSNR of the clips evaluated, in dB, and whether training left them out. */
  readonly reconstruction?: { readonly psnr: number; readonly clips: number; readonly heldOut: boolean };
}

/** Trains a VAE to its last step, measures it, and stores it with the statistics of its latents. */
export async function trainVae(
  recipe: Resolved<VaeRecipe>,
  runDir: string,
  engine: Engine,
  clips: ClipPool<Dataset>,
  allowChange: readonly string[] = [],
): Promise<VaeResult> {
  const { vae, loss, batch, augment, seed, data } = recipe.value;
  const { heldOut } = data;
  const unseen = clips.entries.filter(({ hash }) => isHeldOut(hash, heldOut));
  const shown = spread(unseen.length > 0 ? unseen : clips.entries, EVALUATED_CLIPS);
  const task = new VaeTask({ vae, loss, batch, augment, clips, heldOut, seed });
  const result = await runStage({
    title: `train ${recipe.value.name}`,
    dir: runDir,
    recipe: runRecipe(recipe, engine, clips, {}, allowChange),
    task,
    ...recipe.value,
    engine,
    onOpen: async () => {
      for (const note of task.notes) process.stderr.write(`${note}\n`);
    },
    drawSamples: (run) => async (step, weights) => {
      const codec = new VaeCodec(engine, vae, weights);
      try {
        const pictures = [];
        for await (const picture of reconstruct(codec, clips, spread(shown, PICTURE_CLIPS))) pictures.push(picture);
        return [await reconstructionSheet(join(run.samplesDir, `step-${step}.png`), pictures)];
      } finally {
        await codec.dispose();
      }
    },
  });
  if (result.exitCode !== undefined) return { exitCode: result.exitCode };
  const weights: HostMap = result.weights;
  const before = await storedResult(vaeDirOf(runDir), weights);
  if (before !== undefined) return before;
  const codec = new VaeCodec(engine, vae, weights);
  const psnrs: number[] = [];
  for await (const { psnr } of reconstruct(codec, clips, shown)) psnrs.push(psnr);
  const psnr = psnrs.reduce((sum, value) => sum + value, 0) / psnrs.length;
  await saveVae(vaeDirOf(runDir), {
    config: vae,
    weights,
    statistics: await latentStatistics(codec, clips, heldOut),
    heldOut: unseen.length > 0 ? { psnr, clips: psnrs.length } : null,
  });
  return { exitCode: undefined, reconstruction: { psnr, clips: psnrs.length, heldOut: unseen.length > 0 } };
}

/** What an earlier start measured of these weights, if it came so far. A damaged VAE is made anew. */
async function storedResult(dir: string, weights: HostMap): Promise<VaeResult | undefined> {
  const stored = await loadVae(dir).catch(() => undefined);
  if (stored === undefined || !sameTensors(stored.weights, weights)) return undefined;
  const { heldOut } = stored;
  return { exitCode: undefined, ...(heldOut === null ? {} : { reconstruction: { ...heldOut, heldOut: true } }) };
}

function sameTensors(a: HostMap, b: HostMap): boolean {
  const bytes = ({ data }: HostTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => {
    const [one, other] = [a[name], b[name]];
    return one !== undefined && other !== undefined && bytes(one).equals(bytes(other));
  });
}
