import { join } from "node:path";
import { z } from "zod";
import { conform } from "../base/conform.ts";
import { UserError } from "../base/errors.ts";
import { namesIn, resolveInside, writeFileAtomic, writeFolderAtomic } from "../base/files.ts";
import { parseJson } from "../base/json.ts";
import { readTextFile } from "../base/plainFile.ts";
import { readSafetensors, writeSafetensors } from "../base/safetensorsFile.ts";
import type { HostMap } from "../engine/engine.ts";
import { latentStatsSchema } from "../models/vae/latents.ts";
import { vaeSchema } from "../models/vae/vaeConfig.ts";

const WEIGHTS = "model.safetensors";
const FACTS = "vae.json";

const factsSchema = z.strictObject({
  config: vaeSchema,
  /** Of the latents of the training clips. */
  statistics: latentStatsSchema,
  /** sha256 of the weights' file: what latents made with this VAE are filed under. */
  sha256: z.string(),
  /** Mean PSNR in dB of the held-out clips, and how many they are; null when none were held out. */
  heldOut: z.strictObject({ psnr: z.number(), clips: z.int() }).nullable(),
});

export type VaeFacts = z.output<typeof factsSchema>;

/** A trained VAE in a folder of its own: weights, configuration, latent statistics. */
export interface StoredVae extends VaeFacts {
  readonly weights: HostMap;
}

/** Writes a trained VAE to a folder, all or nothing; one that is there is replaced. */
export async function saveVae(dir: string, vae: Omit<StoredVae, "sha256">): Promise<void> {
  const { weights, ...facts } = vae;
  await writeFolderAtomic(
    dir,
    async (beside) => {
      const { sha256 } = await writeSafetensors(join(beside, WEIGHTS), weights, { part: "vae" });
      await writeFileAtomic(join(beside, FACTS), `${JSON.stringify({ ...facts, sha256 }, null, 2)}\n`);
    },
    { replace: true },
  );
}

/**
 * Links that lead out of the folder are not followed.
 * @throws UserError when the folder holds no trained VAE, or its weights are not those that were written.
 */
export async function loadVae(dir: string): Promise<StoredVae> {
  const facts = await readVaeFacts(dir);
  const { tensors, sha256 } = await readSafetensors(await resolveInside(dir, WEIGHTS));
  if (sha256 !== facts.sha256) {
    throw new UserError(join(dir, WEIGHTS), { expected: `sha256 ${facts.sha256}`, got: sha256 });
  }
  return { ...facts, weights: tensors };
}

/** What is known of a trained VAE, without its weights. @throws UserError when the folder holds none. */
export async function readVaeFacts(dir: string): Promise<VaeFacts> {
  if (!(await hasVae(dir))) {
    throw new UserError(dir, {
      expected: `a trained VAE (a folder with ${FACTS})`,
      got: "none",
      try: "`kinema train` with a recipe of kind vae, to its last step",
    });
  }
  const path = await resolveInside(dir, FACTS);
  return conform(factsSchema, parseJson(readTextFile(path), path), path);
}

/** Whether a folder holds a trained VAE. */
export async function hasVae(dir: string): Promise<boolean> {
  return (await namesIn(dir)).includes(FACTS);
}

/** Copies a trained VAE, so that a run that uses it is whole by itself. */
export async function copyVae(from: string, to: string): Promise<void> {
  const { sha256: _, ...vae } = await loadVae(from);
  await saveVae(to, vae);
}
