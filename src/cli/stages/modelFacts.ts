import { join } from "node:path";
import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";
import { namesIn, writeFileAtomic } from "../../base/files.ts";
import { parseJson } from "../../base/json.ts";
import { readTextFile } from "../../base/plainFile.ts";
import { countGrids } from "../../data/manifest.ts";
import type { ClipPool, PoolStore } from "../../data/mix/clipPool.ts";

const FILE = "data.json";

const factsSchema = z.strictObject({
  /** Of each dataset. */
  fingerprints: z.array(z.string()),
  /** Sizes trained on, most frequent first. */
  grids: z.array(z.strictObject({ frames: z.int(), height: z.int(), width: z.int(), count: z.int() })),
  /** Frames a second of most clips. */
  fps: z.number().positive(),
});

/** What a model was trained on: defaults for sampling it. */
export type ModelFacts = z.output<typeof factsSchema>;

/** What a model of these clips will have been trained on. */
export function modelFactsOf(data: ClipPool<PoolStore>): ModelFacts {
  const counts = new Map<number, number>();
  for (const { fps } of data.entries) counts.set(fps, (counts.get(fps) ?? 0) + 1);
  const [fps = 8] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  return { fingerprints: [...data.fingerprints], grids: countGrids(data.entries), fps };
}

export async function writeModelFacts(runDir: string, facts: ModelFacts): Promise<void> {
  await writeFileAtomic(join(runDir, FILE), `${JSON.stringify(facts, null, 2)}\n`);
}

/** @throws UserError when the folder is not that of a diffusion transformer's run. */
export async function readModelFacts(runDir: string): Promise<ModelFacts> {
  if (!(await namesIn(runDir)).includes(FILE)) {
    throw new UserError(runDir, {
      expected: "the run folder of a diffusion transformer",
      got: `no ${FILE} in it`,
      try: "experiments/<name>/main of a recipe of kind dit",
    });
  }
  const path = join(runDir, FILE);
  return conform(factsSchema, parseJson(readTextFile(path), path), path);
}
