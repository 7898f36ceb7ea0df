import { assert, UserError } from "../base/errors.ts";
import type { Grid } from "../base/grid.ts";
import type { ClipEntry } from "./clip.ts";
import type { OpenOptions } from "./dataset.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { openShards, type ShardReader } from "./shards/reader.ts";
import type { RowEntry } from "./shards/rows.ts";
import { buildStore, type StoreOptions, type StoreWriter } from "./storeWriter.ts";

/** What is known of stored latents: the clip they were made from, their grid and channels. `hash` is the clip's. */
export type LatentEntry = RowEntry;

/** A folder of latents, opened for reading. */
export class LatentSet {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly entries: readonly LatentEntry[];
  readonly shards: ShardReader;
  private readonly byHash: ReadonlyMap<string, number>;

  constructor(dir: string, manifest: Manifest, shards: ShardReader) {
    this.dir = dir;
    this.manifest = manifest;
    this.shards = shards;
    this.entries = shards.entries;
    this.byHash = new Map(shards.entries.map(({ hash, index }) => [hash, index]));
  }

  /** sha256 over all content, in hex. */
  get fingerprint(): string {
    return this.manifest.fingerprint;
  }

  /** Position of the latents made from this clip, or undefined. */
  indexOf(hash: string): number | undefined {
    return this.byHash.get(hash);
  }

  /** Latents `t h w z`. A view of memory that other clips share: read only. */
  async read(index: number): Promise<Float32Array> {
    const bytes = await this.shards.values(index);
    assert(bytes.byteOffset % 4 === 0, "latents are aligned to 4 bytes");
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }

  close(): Promise<void> {
    return this.shards.close();
  }
}

/** Opens a folder of latents. @throws UserError when it is missing, damaged or holds pixels. */
export async function openLatents(dir: string, { cacheBytes }: OpenOptions = {}): Promise<LatentSet> {
  const manifest = readManifest(dir);
  if (manifest.kind !== "latents") throw new UserError(dir, { expected: "a dataset of latents", got: manifest.kind });
  return new LatentSet(dir, manifest, await openShards(dir, manifest, cacheBytes));
}

/** Takes the latents of a folder that is being built. */
export class LatentWriter {
  private readonly store: StoreWriter;

  constructor(store: StoreWriter) {
    this.store = store;
  }

  /** Adds the latents `latents_thwz` of a clip. They must not be changed afterwards. */
  add(clip: Omit<ClipEntry, "index">, grid: Grid, channels: number, latents_thwz: Float32Array): void {
    const { frames, height, width, fps, caption, source, hash } = clip;
    const bytes = new Uint8Array(latents_thwz.buffer, latents_thwz.byteOffset, latents_thwz.byteLength);
    this.store.add({ frames, height, width, fps, caption, source, hash, grid, channels }, bytes);
  }
}

/**
 * Builds a folder of latents; it appears at `dir` when `fill` is through, and not at all when that fails.
 * @throws UserError when the folder is taken or the disk refuses; whatever `fill` throws.
 */
export function createLatents(
  dir: string,
  options: StoreOptions,
  fill: (out: LatentWriter) => void | Promise<void>,
): Promise<Manifest> {
  return buildStore(dir, "latents", options, (store) => fill(new LatentWriter(store)));
}
