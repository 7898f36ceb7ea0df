import { UserError } from "../base/errors.ts";
import type { Grid } from "../base/grid.ts";
import type { JsonValue } from "../base/json.ts";
import type { ClipEntry } from "./clip.ts";
import { type DamageOptions, DamageWatch } from "./damage.ts";
import { checkFiles, type Manifest, readManifest } from "./manifest.ts";
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
  /** Where damaged latents are noted. */
  readonly damage: DamageWatch;
  private readonly byHash: ReadonlyMap<string, number>;

  constructor(dir: string, manifest: Manifest, shards: ShardReader, damage: DamageWatch) {
    this.dir = dir;
    this.manifest = manifest;
    this.shards = shards;
    this.damage = damage;
    this.entries = shards.entries;
    this.byHash = new Map(shards.entries.map(({ hash, index }) => [hash, index]));
  }

  /** sha256 over all content, in hex. */
  get fingerprint(): string {
    return this.manifest.fingerprint;
  }

  /** The fingerprint of the dataset that they were made of, where it is told. */
  get clipsFingerprint(): string {
    const { dataset } = this.manifest.made.options;
    return typeof dataset === "string" ? dataset : this.fingerprint;
  }

  /** Position of the latents made from this clip, or undefined. */
  indexOf(hash: string): number | undefined {
    return this.byHash.get(hash);
  }

  /** Latents `t h w z`, in memory of their own. @throws DamagedRow. */
  async read(index: number): Promise<Float32Array> {
    return new Float32Array((await this.shards.values(index)).buffer);
  }

  close(): Promise<void> {
    return this.shards.close();
  }
}

/** Opens a folder of latents, as `openDataset` does one of pixels. @throws UserError also when it holds pixels. */
export async function openLatents(dir: string, options: DamageOptions = {}): Promise<LatentSet> {
  const manifest = readManifest(dir);
  if (manifest.kind !== "latents") throw new UserError(dir, { expected: "a dataset of latents", got: manifest.kind });
  checkFiles(dir, manifest);
  const damage = new DamageWatch(dir, manifest.clips, options);
  const shards = await openShards(dir, manifest, { onBadShard: (shard) => damage.noteShard(shard) });
  return new LatentSet(dir, manifest, shards, damage);
}

/** Takes the latents of a folder that is being built. */
export class LatentWriter {
  private readonly store: StoreWriter;

  constructor(store: StoreWriter) {
    this.store = store;
  }

  /** Clips so far. */
  get entries(): readonly LatentEntry[] {
    return this.store.entries;
  }

  /** Whether a clip was listed without latents. */
  isLost(index: number): boolean {
    return this.store.isLost(index);
  }

  /** What was committed last in the build that this one goes on with; undefined at the start. */
  get cursor(): JsonValue | undefined {
    return this.store.cursor;
  }

  /** Adds the latents `latents_thwz` of a clip. They must not be changed afterwards. */
  add(clip: SourceClip, grid: Grid, channels: number, latents_thwz: Float32Array): void {
    const bytes = new Uint8Array(latents_thwz.buffer, latents_thwz.byteOffset, latents_thwz.byteLength);
    this.store.add(rowOf(clip, grid, channels), bytes);
  }

  /** Adds a clip with the content of an earlier one: the latents are stored once. */
  addRepeat(clip: SourceClip, grid: Grid, channels: number, of: number): void {
    this.store.addRepeat(rowOf(clip, grid, channels), of);
  }

  /** Lists a clip that has no latents, and why. It is a damaged row to those who read it. */
  addLost(clip: SourceClip, grid: Grid, channels: number, reason: string): void {
    this.store.addLost(rowOf(clip, grid, channels), reason);
  }

  /** Ends a clip: a build that is killed is gone on with from a cursor that was given here. */
  commit(cursor: JsonValue): void {
    this.store.commit(cursor);
  }
}

/** The clip that latents are made from. */
export type SourceClip = Omit<ClipEntry, "index">;

function rowOf(clip: SourceClip, grid: Grid, channels: number) {
  const { frames, height, width, fps, caption, source, hash } = clip;
  return { frames, height, width, fps, caption, source, hash, grid, channels };
}

/**
 * Builds a folder of latents; it appears at `dir` when `fill` is through, and not at all when that fails. With
 * `options.inputs`, a build that was killed is gone on with.
 * @throws UserError when the folder is taken or the disk refuses; whatever `fill` throws.
 */
export function createLatents(
  dir: string,
  options: StoreOptions,
  fill: (out: LatentWriter) => void | Promise<void>,
): Promise<Manifest> {
  return buildStore(dir, "latents", options, (store) => fill(new LatentWriter(store)));
}
