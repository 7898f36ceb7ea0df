import { clipHash } from "./clip.ts";
import { MANIFEST_FILE, type Manifest, readManifest, type SkippedFile } from "./manifest.ts";
import { DamagedRow } from "./shards/damagedRow.ts";
import { openShards, type ShardReader } from "./shards/reader.ts";
import { openShard } from "./shards/shardFiles.ts";
import { fingerprintOf } from "./shards/writer.ts";

export interface VerifyReport {
  readonly clips: number;
  /** Clips that cannot be used. */
  readonly damagedClips: number;
  /** Files and clips that are not what the manifest says, and why. Empty when all is well. */
  readonly damaged: readonly SkippedFile[];
}

/**
 * Reads a dataset from end to end: every file's hash, every clip's checksum and content hash, the fingerprint. A clip
 * that could not be made in the first place counts as damaged.
 * @throws UserError when the manifest or the index cannot be used at all.
 */
export async function verifyDataset(dir: string, onClip?: (done: number) => void): Promise<VerifyReport> {
  const manifest = readManifest(dir);
  const damaged: SkippedFile[] = [];
  const reader = await openShards(dir, manifest, { onBadShard: (shard) => damaged.push(shard) });
  let damagedClips = 0;
  try {
    const gone = await unreadable(dir, manifest);
    for (const file of gone) damaged.push({ file, reason: "is missing, or a link" });
    for (const { index, source } of reader.entries) {
      const fault = await faultOfClip(reader, index);
      onClip?.(index + 1);
      if (fault === undefined) continue;
      damagedClips += 1;
      const file = fault.file === "" ? manifest.index.file : fault.file;
      if (!gone.has(file)) damaged.push({ file, reason: `clip ${index} (${source}) ${fault.reason}` });
    }
    if (fingerprintOf(manifest.kind, reader.entries) !== manifest.fingerprint) {
      damaged.push({ file: MANIFEST_FILE, reason: "its fingerprint is not the content's" });
    }
    return { clips: manifest.clips, damagedClips, damaged };
  } finally {
    await reader.close();
  }
}

/** Shards that cannot be opened: each is named once, and not for each of its clips. */
async function unreadable(dir: string, { shards }: Manifest): Promise<Set<string>> {
  const gone = new Set<string>();
  for (const shard of shards) {
    const handle = await openShard(dir, shard).catch(() => undefined);
    if (handle === undefined) gone.add(shard.file);
    else await handle.close();
  }
  return gone;
}

async function faultOfClip(reader: ShardReader, index: number): Promise<SkippedFile | undefined> {
  const { entry, place } = reader.row(index);
  try {
    const values = await reader.values(index);
    if (reader.spec.kind !== "pixels" || clipHash({ ...entry, frames_THWC: values }) === entry.hash) return undefined;
    return { file: reader.spec.shards[place.shard]?.file ?? "", reason: "is not the one that was hashed" };
  } catch (error) {
    if (error instanceof DamagedRow) return error;
    throw error;
  }
}
