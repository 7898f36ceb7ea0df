import { createHash } from "node:crypto";
import { clipHash } from "./clip.ts";
import { readManifest, type SkippedFile } from "./manifest.ts";
import { openShards } from "./shards/reader.ts";
import { fingerprintHead } from "./shards/writer.ts";

export interface VerifyReport {
  readonly clips: number;
  /** Files that are not what the manifest says, and why. Empty when all is well. */
  readonly damaged: readonly SkippedFile[];
}

/**
 * Reads a dataset from end to end: every file's hash, every clip's content hash, the fingerprint.
 * @throws UserError when the manifest or the index cannot be used at all.
 */
export async function verifyDataset(dir: string, onClip?: (done: number) => void): Promise<VerifyReport> {
  const manifest = readManifest(dir);
  const reader = await openShards(dir, manifest);
  const damaged: SkippedFile[] = [];
  const fingerprint = createHash("sha256").update(fingerprintHead(manifest.kind));
  try {
    let index = 0;
    for (const shard of manifest.shards) {
      const end = index + shard.clips;
      for (; index < end; index++) {
        const entry = reader.entries[index];
        const values = await reader.values(index).catch((error: unknown) => {
          damaged.push({ file: shard.file, reason: error instanceof Error ? error.message : String(error) });
        });
        if (entry === undefined || !(values instanceof Uint8Array)) break;
        if (manifest.kind === "pixels" && clipHash({ ...entry, frames_THWC: values }) !== entry.hash) {
          damaged.push({ file: shard.file, reason: `clip ${index} (${entry.source}) is not the one that was hashed` });
        }
        fingerprint.update(entry.hash);
        if (manifest.kind === "latents") fingerprint.update(values);
        onClip?.(index + 1);
      }
      index = end;
    }
    if (damaged.length === 0 && fingerprint.digest("hex") !== manifest.fingerprint) {
      damaged.push({ file: "manifest.json", reason: "its fingerprint is not the content's" });
    }
    return { clips: manifest.clips, damaged };
  } finally {
    await reader.close();
  }
}
