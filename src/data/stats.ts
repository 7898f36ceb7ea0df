import { type GridCount, readManifest, type SkippedFile } from "./manifest.ts";

/** What `kinema data stats` tells of a dataset. */
export interface DatasetStats {
  readonly clips: number;
  readonly frames: number;
  readonly shards: number;
  /** Size of shards and index on disk. */
  readonly bytes: number;
  readonly grids: readonly GridCount[];
  readonly skipped: readonly SkippedFile[];
  readonly fingerprint: string;
}

/** Reads the manifest only. @throws UserError when there is none. */
export function datasetStats(dir: string): DatasetStats {
  const { clips, frames, shards, index, grids, skipped, fingerprint } = readManifest(dir);
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, index.bytes);
  return { clips, frames, shards: shards.length, bytes, grids, skipped, fingerprint };
}
