import { basename, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { namesIn } from "../../base/files.ts";
import { canonicalJson, type JsonObject } from "../../base/json.ts";
import { type Dataset, openDataset } from "../../data/dataset.ts";
import { LatentSet, openLatents } from "../../data/latents.ts";
import { readManifest } from "../../data/manifest.ts";
import { ClipPool } from "../../data/mix/clipPool.ts";
import { buildShapes } from "../../data/shapes/build.ts";
import type { DataConfig, SourceConfig } from "../../registry.ts";
import { interruptible } from "./interruptible.ts";
import { withProgress } from "./withProgress.ts";

/** What a recipe may name: clips, or latents that were made of them. */
export type ClipStore = Dataset | LatentSet;

/** The datasets of clips that a recipe names. @throws UserError, beside what `openClips` throws, when one is of latents. */
export async function openData(data: DataConfig): Promise<ClipPool<Dataset>> {
  const clips = await openClips(data);
  if (isOfPixels(clips)) return clips;
  await clips.close();
  const latents = clips.stores.find((store) => store instanceof LatentSet);
  throw new UserError(latents?.dir ?? "data", {
    expected: "clips",
    got: "their latents",
    try: "the dataset that they were made of",
  });
}

function isOfPixels(clips: ClipPool<ClipStore>): clips is ClipPool<Dataset> {
  return !clips.stores.some((store) => store instanceof LatentSet);
}

/**
 * The datasets that a recipe names, as one pool; a shapes world is made on first use.
 * @throws UserError when one is missing, stands there twice, or is another world than the recipe's.
 */
export async function openClips(data: DataConfig): Promise<ClipPool<ClipStore>> {
  const sources: readonly SourceConfig[] = data.kind === "mix" ? data.sources : [{ ...data, weight: 1 }];
  refuseTwice(sources);
  const datasets: ClipStore[] = [];
  try {
    for (const [i, source] of sources.entries()) {
      datasets.push(await openDataOf(source, data.kind === "mix" ? `data.sources.${i}` : "data", data.maxBadShare));
    }
    const names = namesOf(sources);
    return new ClipPool(datasets, {
      sources: sources.map(({ weight }, i) => ({ name: names[i] as string, weight })),
      images: data.kind === "mix" ? data.images : undefined,
    });
  } catch (error) {
    for (const dataset of datasets) await dataset.close();
    throw error;
  }
}

async function openDataOf(source: SourceConfig, key: string, maxBadShare: number): Promise<ClipStore> {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  if (source.kind === "folder") {
    const open = readManifest(source.dir).kind === "latents" ? openLatents : openDataset;
    return open(source.dir, { maxBadShare, tell });
  }
  const { dir, world } = source;
  if ((await namesIn(dir)).length === 0) {
    await interruptible((aborts) =>
      withProgress(`making ${dir}`, world.clips, (onProgress) => buildShapes(dir, world, { onProgress, aborts })),
    );
  }
  const dataset = await openDataset(dir, { maxBadShare, tell });
  const { made } = dataset.manifest;
  if (made.command === "data shapes" && canonicalJson(made.options as JsonObject) === canonicalJson(world)) {
    return dataset;
  }
  await dataset.close();
  throw new UserError(dir, {
    expected: `the shapes world of ${key}.world`,
    got: "a dataset made otherwise",
    try: `another ${key}.dir, or delete this folder`,
  });
}

function refuseTwice(sources: readonly SourceConfig[]): void {
  for (const [i, { dir }] of sources.entries()) {
    const before = sources.findIndex((other) => resolve(other.dir) === resolve(dir));
    if (before === i) continue;
    throw new UserError(`data.sources.${i}.dir`, {
      expected: "each dataset once",
      got: `${dir}, which is data.sources.${before} too`,
      try: "a larger weight for that",
    });
  }
}

/** Folder names, or whole paths where these are not enough to tell sources apart. */
function namesOf(sources: readonly SourceConfig[]): string[] {
  const names = sources.map(({ dir }) => basename(resolve(dir)));
  return new Set(names).size === names.length ? names : sources.map(({ dir }) => dir);
}
