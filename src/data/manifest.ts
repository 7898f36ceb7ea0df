import { lstatSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { conform } from "../base/conform.ts";
import { UserError } from "../base/errors.ts";
import { isJsonObject, parseJson } from "../base/json.ts";
import { readTextFile } from "../base/plainFile.ts";
import { type ClipShape, shapeKey } from "./clip.ts";
import { groupBy } from "./group.ts";
import { CONTENT_KINDS } from "./shards/rows.ts";

export const MANIFEST_FILE = "manifest.json";
/** 2: rows have checksums and places of their own. */
export const MANIFEST_VERSION = 2;

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits");
/** A bare name: neither a folder nor a way out of this one. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a plain file name inside the dataset's folder");
/** `clips`: rows in it. Clips that share their values are one row. */
const shardFile = z.strictObject({ file: fileName, bytes: count, sha256, clips: count });

const manifestSchema = z.strictObject({
  schema: z.literal("kinema.dataset"),
  version: z.literal(MANIFEST_VERSION),
  kind: z.enum(CONTENT_KINDS),
  clips: count,
  /** Frames of all clips together. */
  frames: count,
  /** Clips by size, most frequent first. Sides are in pixels, for latents too. */
  grids: z.array(z.strictObject({ frames: count, height: count, width: count, count })),
  shards: z.array(shardFile),
  index: shardFile,
  /** Files that were left out, and why. */
  skipped: z.array(z.strictObject({ file: z.string(), reason: z.string() })),
  /** sha256 over the content of all clips in order; independent of paths, time and the split into shards. */
  fingerprint: sha256,
  /** The command that made it, with its options. */
  made: z.strictObject({ command: z.string(), options: z.record(z.string(), z.json()) }),
});

/** `manifest.json` of a dataset folder. */
export type Manifest = z.infer<typeof manifestSchema>;
export type GridCount = Manifest["grids"][number];
export type SkippedFile = Manifest["skipped"][number];
export type MadeBy = Manifest["made"];

/** Reads and checks a dataset's manifest. @throws UserError when it is missing, malformed or points out of the folder. */
export function readManifest(dir: string): Manifest {
  const path = join(dir, MANIFEST_FILE);
  let text: string;
  try {
    text = readTextFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(dir, {
      expected: `a dataset (a folder with ${MANIFEST_FILE})`,
      got: "none",
      try: "`kinema data shapes` or `kinema data ingest` to build one",
    });
  }
  return parseManifest(text, path);
}

/** The manifest that a text holds. @throws UserError as `readManifest` does. */
export function parseManifest(text: string, path: string): Manifest {
  const json = parseJson(text, path);
  if (isJsonObject(json) && json.version === 1) {
    throw new UserError(path, {
      expected: "a dataset of this version",
      got: "one of an earlier",
      try: "building it again",
    });
  }
  const manifest = conform(manifestSchema, json, path);
  const names = new Set<string>();
  for (const { file } of [...manifest.shards, manifest.index]) {
    if (names.has(file)) throw new UserError(path, { expected: "each file once", got: `${file} twice` });
    names.add(file);
  }
  return manifest;
}

/**
 * Looks whether the shards are there and have their sizes, without reading them: a dataset that was copied in part is
 * refused before any work is spent on it. @throws UserError naming the first that is not.
 */
export function checkFiles(dir: string, { shards }: Manifest): void {
  for (const shard of shards) {
    const fault = faultOfPlace(join(dir, shard.file), shard.bytes);
    if (fault !== undefined)
      throw new UserError(join(dir, shard.file), { ...fault, try: "`kinema data verify`, or making it again" });
  }
}

/** Counts clips by size: most frequent first, then smaller first. */
export function countGrids(clips: Iterable<ClipShape>): GridCount[] {
  const counts = [...groupBy(clips, shapeKey).values()].map((alike) => {
    const { frames, height, width } = alike[0] as ClipShape;
    return { frames, height, width, count: alike.length };
  });
  return counts.sort((a, b) => b.count - a.count || a.frames - b.frames || a.height - b.height || a.width - b.width);
}

function faultOfPlace(path: string, bytes: number): { expected: string; got: string } | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { expected: "a file that the manifest names", got: "none" };
  if (!stat.isFile()) return { expected: "a plain file", got: "a link or a folder" };
  if (stat.size === bytes) return undefined;
  return { expected: `${bytes} bytes`, got: `${stat.size}: cut short or swapped` };
}
