import { UserError } from "../base/errors.ts";
import type { JsonValue } from "../base/json.ts";
import { CHANNELS, type Clip, type ClipEntry, clipHash } from "./clip.ts";
import type { Clips } from "./clips.ts";
import { type DamageOptions, DamageWatch } from "./damage.ts";
import { checkFiles, type Manifest, readManifest } from "./manifest.ts";
import type { DamagedRow } from "./shards/damagedRow.ts";
import { openShards, type ShardReader } from "./shards/reader.ts";
import { buildStore, type StoreOptions, type StoreWriter } from "./storeWriter.ts";

/** A folder of clips, opened for reading. */
export class Dataset implements Clips {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly entries: readonly ClipEntry[];
  readonly shards: ShardReader;
  /** Where damaged clips are noted. */
  readonly damage: DamageWatch;

  constructor(dir: string, manifest: Manifest, shards: ShardReader, damage: DamageWatch) {
    this.dir = dir;
    this.manifest = manifest;
    this.shards = shards;
    this.damage = damage;
    this.entries = shards.entries;
  }

  /** sha256 over all content, in hex. */
  get fingerprint(): string {
    return this.manifest.fingerprint;
  }

  /** What tells the clips from others, also when only their latents are there. */
  get clipsFingerprint(): string {
    return this.fingerprint;
  }

  /** Pixels of a clip, T H W C, in memory of their own. @throws DamagedRow. */
  readFrames(index: number): Promise<Uint8Array> {
    return this.shards.values(index);
  }

  /** Notes that a clip is damaged. @throws UserError when too many are. */
  note(damaged: DamagedRow): void {
    this.damage.note(damaged);
  }

  close(): Promise<void> {
    return this.shards.close();
  }
}

/**
 * Opens a dataset of clips. Reads the manifest and the index, and looks that every shard is there in its size; a shard's
 * hash is checked when it is first read, a clip's checksum each time.
 * @throws UserError when it is missing, not whole, or holds latents.
 */
export async function openDataset(dir: string, options: DamageOptions = {}): Promise<Dataset> {
  const manifest = readManifest(dir);
  if (manifest.kind !== "pixels") throw new UserError(dir, { expected: "a dataset of pixels", got: manifest.kind });
  checkFiles(dir, manifest);
  const damage = new DamageWatch(dir, manifest.clips, options);
  const shards = await openShards(dir, manifest, { onBadShard: (shard) => damage.noteShard(shard) });
  return new Dataset(dir, manifest, shards, damage);
}

/** Takes the clips of a dataset that is being built. */
export class DatasetWriter {
  private readonly store: StoreWriter;

  constructor(store: StoreWriter) {
    this.store = store;
  }

  /** Clips so far. */
  get clips(): number {
    return this.store.clips;
  }

  /** The folder that is being built. What else is written into it must be gone in the end. */
  get folder(): string {
    return this.store.folder;
  }

  /** What was committed last in the build that this one goes on with; undefined at the start. */
  get cursor(): JsonValue | undefined {
    return this.store.cursor;
  }

  /** Ends an item, one or more clips: a build that is killed is gone on with from a cursor that was given here. */
  commit(cursor: JsonValue): void {
    this.store.commit(cursor);
  }

  /** Adds a clip; its pixels must not be changed afterwards. */
  add(clip: Clip): void {
    const { frames_THWC, ...entry } = clip;
    const grid = { t: clip.frames, h: clip.height, w: clip.width };
    this.store.add({ ...entry, hash: clipHash(clip), grid, channels: CHANNELS }, frames_THWC);
  }

  /** Records a file that was left out. */
  skip(file: string, reason: string): void {
    this.store.skip(file, reason);
  }
}

/**
 * Builds a dataset of clips; it appears at `dir` when `fill` is through, and not at all when that fails. With
 * `options.inputs`, a build that was killed is gone on with.
 * @throws UserError when the folder is taken or the disk refuses; whatever `fill` throws.
 */
export function createDataset(
  dir: string,
  options: StoreOptions,
  fill: (out: DatasetWriter) => void | Promise<void>,
): Promise<Manifest> {
  return buildStore(dir, "pixels", options, (store) => fill(new DatasetWriter(store)));
}
