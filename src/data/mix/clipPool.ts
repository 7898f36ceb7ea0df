import { assert } from "../../base/errors.ts";
import type { Clips } from "../clips.ts";
import type { DamageWatch } from "../damage.ts";
import type { DamagedRow } from "../shards/damagedRow.ts";
import type { ShardReader } from "../shards/reader.ts";
import type { StoreRow } from "../shards/rowStores.ts";
import type { RowEntry } from "../shards/rows.ts";
import type { Mix } from "./mix.ts";

/** A dataset of pixels or of latents. */
export interface PoolStore {
  readonly dir: string;
  /** What tells its clips from others, also when only their latents are there. */
  readonly clipsFingerprint: string;
  readonly shards: ShardReader;
  readonly damage: DamageWatch;
  close(): Promise<void>;
}

/** Clips of a pool that weigh alike and count their epochs together. */
export interface PoolSource {
  readonly name: string;
  readonly weight: number;
  /** Number of the dataset that holds them. */
  readonly store: number;
  /** Index of its first clip. */
  readonly first: number;
  /** Indices in the dataset. Of a clip here, only the first frame counts where `firstFrames` is set. */
  readonly clips: readonly number[];
  readonly firstFrames: boolean;
}

/**
 * The clips of one or several datasets as one list, numbered through: first all of the first dataset, then all of the
 * second ... Where a mix takes images from videos, first frames follow as clips of their own: they have their video's
 * hash, so that they are held out with it, and its caption.
 */
export class ClipPool<Store extends PoolStore> implements Clips {
  readonly stores: readonly Store[];
  readonly mix: Mix;
  readonly sources: readonly PoolSource[];
  /** `index` counts through the pool. */
  readonly entries: readonly RowEntry[];

  /** @param stores one for each source of the mix. */
  constructor(stores: readonly Store[], mix: Mix) {
    assert(stores.length === mix.sources.length, "a dataset for each source");
    this.stores = stores;
    this.mix = mix;
    const parts = stores.flatMap((_, store) => partsOf(stores, mix, store));
    const ordered = [...parts.filter(({ firstFrames }) => !firstFrames), ...parts.filter((part) => part.firstFrames)];
    let first = 0;
    this.sources = ordered.map((part) => {
      const source = { ...part, first };
      first += part.clips.length;
      return source;
    });
    this.entries =
      stores.length === 1 && ordered.length === 1 ? (stores[0] as Store).shards.entries : this.renumbered();
  }

  /** sha256 over all clips of each dataset, in hex. */
  get fingerprints(): readonly string[] {
    return this.stores.map(({ clipsFingerprint }) => clipsFingerprint);
  }

  /** Number of the source that a clip belongs to. */
  sourceOf(index: number): number {
    return this.sources.findLastIndex(({ first }) => index >= first);
  }

  /** Where a clip is stored: as a whole, also where only its first frame counts. */
  row(index: number): StoreRow {
    const { store, local } = this.find(index);
    return { store, ...this.readerOf(store).row(local) };
  }

  /** Stored bytes of the frames that count: pixels `T H W C` or latents `t h w z`. @throws DamagedRow. */
  async readFrames(index: number): Promise<Uint8Array> {
    const { store, local } = this.find(index);
    const reader = this.readerOf(store);
    const bytes = await reader.values(local);
    const stored = reader.row(local).entry.grid.t;
    return bytes.subarray(0, (bytes.length / stored) * (this.entries[index] as RowEntry).grid.t);
  }

  /** Whether a clip was noted as damaged. */
  isDamaged(index: number): boolean {
    const { store, local } = this.find(index);
    return (this.stores[store] as Store).damage.has(local);
  }

  /** Notes that a clip of one of the datasets is damaged. @throws UserError when too many are. */
  note(damaged: DamagedRow): void {
    const store = this.stores.find(({ shards }) => shards.spec.dir === damaged.dir);
    assert(store !== undefined, `${damaged.dir} is in the pool`);
    store.damage.note(damaged);
  }

  async close(): Promise<void> {
    await Promise.all(this.stores.map((store) => store.close()));
  }

  private find(index: number): { store: number; local: number } {
    const source = this.sources[this.sourceOf(index)];
    const local = source?.clips[index - source.first];
    assert(source !== undefined && local !== undefined, `clip ${index} of ${this.entries.length}`);
    return { store: source.store, local };
  }

  private readerOf(store: number): ShardReader {
    return (this.stores[store] as Store).shards;
  }

  private renumbered(): RowEntry[] {
    return this.sources.flatMap(({ store, first, clips, firstFrames }) =>
      clips.map((local, i) => {
        const { entry } = this.readerOf(store).row(local);
        const still = firstFrames ? { frames: 1, grid: { ...entry.grid, t: 1 } } : {};
        return { ...entry, ...still, index: first + i };
      }),
    );
  }
}

/** A pool of one dataset, every clip equally often. */
export function poolOf<Store extends PoolStore>(store: Store): ClipPool<Store> {
  return new ClipPool([store], { sources: [{ name: store.dir, weight: 1 }] });
}

function partsOf(stores: readonly PoolStore[], mix: Mix, store: number): Omit<PoolSource, "first">[] {
  const { name, weight } = mix.sources[store] as Mix["sources"][number];
  const { entries } = (stores[store] as PoolStore).shards;
  const whole = { name, weight, store, clips: entries.map(({ index }) => index), firstFrames: false };
  if (mix.images?.from !== "first-frames") return [whole];
  const longer = entries.filter(({ frames }) => frames > 1).map(({ index }) => index);
  if (longer.length === 0) return [whole];
  return [whole, { name: `${name} first frames`, weight, store, clips: longer, firstFrames: true }];
}
