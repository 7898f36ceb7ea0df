import { type GridCount, type MadeBy, readManifest, type SkippedFile } from "./manifest.ts";
import type { ContentKind } from "./shards/rows.ts";

/** What `kinema data stats` tells of a dataset. */
export interface DatasetStats {
  readonly kind: ContentKind;
  readonly clips: number;
  readonly frames: number;
  readonly shards: number;
  /** Size of shards and index on disk. */
  readonly bytes: number;
  readonly grids: readonly GridCount[];
  readonly skipped: readonly SkippedFile[];
  readonly fingerprint: string;
  /** The command that made it, with its options; for latents the dataset's fingerprint and the VAE's hash. */
  readonly made: MadeBy;
}

/** Reads the manifest only. @throws UserError when there is none. */
export function datasetStats(dir: string): DatasetStats {
  const { kind, clips, frames, shards, index, grids, skipped, fingerprint, made } = readManifest(dir);
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, index.bytes);
  return { kind, clips, frames, shards: shards.length, bytes, grids, skipped, fingerprint, made };
}
