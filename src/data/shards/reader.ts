import type { FileHandle } from "node:fs/promises";
import { crc32c } from "@node-rs/crc32";
import { assert } from "../../base/errors.ts";
import { errorCode } from "../../base/files.ts";
import { DamagedRow } from "./damagedRow.ts";
import { type IndexedShards, type RowIndex, readIndex, type Shards } from "./indexFile.ts";
import { type RowEntry, type RowPlace, rowBytes } from "./rows.ts";
import { type BadShard, ShardFiles } from "./shardFiles.ts";

/** Shards in a folder, as a plain value: enough to read rows whose places are known. */
export interface StoreSpec extends Shards {
  readonly dir: string;
  /** For each shard 1 once a reader hashes it or did: in memory that threads share, so that one of them does it for all. */
  readonly hashed: Int32Array;
}

/** A row and where it lies. */
export interface StoredRow {
  readonly entry: RowEntry;
  readonly place: RowPlace;
}

export interface ReadOptions {
  /** Told once of each shard that is not as the manifest lists it. Its rows are used where their own checksums are right. */
  readonly onBadShard?: (shard: BadShard) => void;
}

/** What the system says of a file that is gone or whose disk fails. Anything else is no damage and comes through. */
const DAMAGE_CODES: ReadonlySet<string> = new Set(["ENOENT", "EIO", "ELOOP", "EISDIR", "ESTALE"]);

/**
 * Random access to the rows of a shard set: one read of exactly the row's bytes. A row is given out only when its own
 * checksum is the one in the index, which the manifest vouches for; so neither damage nor a swapped file gets through,
 * and damage to one row costs no other. Safe to call concurrently.
 */
export class ShardReader {
  readonly entries: readonly RowEntry[];
  readonly spec: StoreSpec;
  private readonly places: readonly RowPlace[];
  private readonly files: ShardFiles;

  constructor(spec: StoreSpec, { entries, places }: RowIndex, { onBadShard }: ReadOptions = {}) {
    this.spec = spec;
    this.entries = entries;
    this.places = places;
    this.files = new ShardFiles(spec, onBadShard ?? (() => undefined));
  }

  row(index: number): StoredRow {
    const entry = this.entries[index];
    const place = this.places[index];
    assert(entry !== undefined && place !== undefined, `clip ${index} of ${this.entries.length}`);
    return { entry, place };
  }

  /** The values of a row, in memory of their own. @throws DamagedRow. */
  values(index: number): Promise<Uint8Array> {
    return this.valuesOf(this.row(index));
  }

  /** Like `values`, of a row that need not be in this reader's index. */
  async valuesOf(row: StoredRow): Promise<Uint8Array> {
    const out = new Uint8Array(rowBytes(this.spec.kind, row.entry));
    await this.readInto(row, out);
    return out;
  }

  /** Reads a row's values into `out`, which has just their size and may be shared memory. @throws DamagedRow. */
  async readInto({ entry, place: { shard, offset } }: StoredRow, out: Uint8Array): Promise<void> {
    assert(out.byteLength === rowBytes(this.spec.kind, entry), `room for clip ${entry.index}`);
    const file = this.spec.shards[shard]?.file ?? "";
    const damaged = (reason: string) => new DamagedRow(this.spec.dir, entry, file, reason);
    if (shard < 0) throw damaged("was damaged when this dataset was made of it");
    assert(file !== "", `shard ${shard} of ${this.spec.shards.length}`);
    const bytesRead = await this.files
      .use(shard, (handle) => readFully(handle, out, offset))
      .catch((error: unknown) => {
        const code = errorCode(error) ?? "";
        if (!DAMAGE_CODES.has(code)) throw error;
        throw damaged(code === "ENOENT" ? "is gone with its file" : `cannot be read (${code})`);
      });
    if (bytesRead < out.byteLength) throw damaged(`is cut short after ${bytesRead} of ${out.byteLength} bytes`);
    if (crc32c(out) !== entry.crc32c) throw damaged("is not what was written: its checksum differs");
  }

  /** Tells of a bad shard that another reader of this store found, unless it was told of before. */
  noteBadShard(shard: BadShard): void {
    this.files.noteBad(shard);
  }

  close(): Promise<void> {
    return this.files.close();
  }
}

/** Opens a shard set by its index; no shard is touched yet. @throws UserError when the index is not whole. */
export async function openShards(dir: string, set: IndexedShards, options: ReadOptions = {}): Promise<ShardReader> {
  const { kind, shards } = set;
  const hashed = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * shards.length));
  return new ShardReader({ dir, kind, shards, hashed }, await readIndex(dir, set), options);
}

async function readFully(handle: FileHandle, out: Uint8Array, position: number): Promise<number> {
  for (let done = 0; done < out.byteLength; ) {
    const { bytesRead } = await handle.read(out, done, out.byteLength - done, position + done);
    if (bytesRead === 0) return done;
    done += bytesRead;
  }
  return out.byteLength;
}
