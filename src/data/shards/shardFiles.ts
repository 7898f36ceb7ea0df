import { createHash } from "node:crypto";
import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { FileSeal } from "../../base/hash.ts";
import type { ShardFile } from "./writer.ts";

const READ_BYTES = 2 ** 22;
/** Files open at once: far below what systems allow a process. */
const MAX_OPEN = 64;

/** A shard that is not the file which the manifest lists, and why. */
export interface BadShard {
  readonly file: string;
  readonly reason: string;
}

/** Where shards are, and which of them some reader has begun to hash. */
export interface ShardPlaces {
  readonly dir: string;
  readonly shards: readonly ShardFile[];
  readonly hashed: Int32Array;
}

interface OpenShard {
  readonly opening: Promise<FileHandle>;
  /** Reads that are on their way. */
  numReaders: number;
}

/**
 * The open files of a shard set, a bounded number of them. Each shard's size and hash are compared with the manifest's
 * when it is first read; one that differs is told of once and read nevertheless: its rows have checksums of their own.
 */
export class ShardFiles {
  private readonly dir: string;
  private readonly shards: readonly ShardFile[];
  private readonly hashed: Int32Array;
  private readonly onBadShard: (shard: BadShard) => void;
  /** Least recently used first. */
  private readonly open = new Map<number, OpenShard>();
  private readonly toldOf = new Set<string>();
  private readonly checks = new Map<number, Promise<void>>();

  constructor({ dir, shards, hashed }: ShardPlaces, onBadShard: (shard: BadShard) => void) {
    this.dir = dir;
    this.shards = shards;
    this.hashed = hashed;
    this.onBadShard = onBadShard;
  }

  /** Reads from a shard. @throws an error of the system when it cannot be opened or read. */
  async use<T>(shard: number, read: (handle: FileHandle) => Promise<T>): Promise<T> {
    const listed = this.shards[shard] as ShardFile;
    const file = this.open.get(shard) ?? { opening: openShard(this.dir, listed), numReaders: 0 };
    this.open.delete(shard);
    this.open.set(shard, file);
    file.numReaders += 1;
    try {
      const handle = await file.opening.catch((error: unknown) => {
        this.open.delete(shard);
        throw error;
      });
      await this.checked(shard, listed, handle);
      return await read(handle);
    } finally {
      file.numReaders -= 1;
      await this.closeSpare();
    }
  }

  /** Tells of a bad shard, once. */
  noteBad(shard: BadShard): void {
    if (this.toldOf.has(shard.file)) return;
    this.toldOf.add(shard.file);
    this.onBadShard(shard);
  }

  async close(): Promise<void> {
    const files = [...this.open.values()];
    this.open.clear();
    for (const { opening } of files) await opening.then((handle) => handle.close()).catch(() => undefined);
  }

  /**
   * Hashes a shard when it is first touched. Concurrent reads here wait for the hash; other threads go on, since each
   * row is checked by itself.
   */
  private checked(shard: number, listed: ShardFile, handle: FileHandle): Promise<void> {
    const known = this.checks.get(shard);
    if (known !== undefined) return known;
    if (Atomics.exchange(this.hashed, shard, 1) === 1) return Promise.resolve();
    const check = faultOfFile(handle, listed).then((reason) => {
      if (reason !== undefined) this.noteBad({ file: listed.file, reason });
    });
    this.checks.set(shard, check);
    check.catch(() => {
      this.checks.delete(shard);
      Atomics.store(this.hashed, shard, 0);
    });
    return check;
  }

  private async closeSpare(): Promise<void> {
    for (const [shard, { opening, numReaders }] of this.open) {
      if (this.open.size <= MAX_OPEN) return;
      if (numReaders > 0) continue;
      this.open.delete(shard);
      await opening.then((handle) => handle.close()).catch(() => undefined);
    }
  }
}

/** Opens a file of a dataset for reading. Links are not followed. */
export function openShard(dir: string, { file }: ShardFile): Promise<FileHandle> {
  return open(join(dir, file), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
}

/** Why an open file is not the one that was sealed, or undefined when it is. The size is looked at first. */
export async function faultOfFile(handle: FileHandle, sealed: FileSeal): Promise<string | undefined> {
  const { size } = await handle.stat();
  if (size !== sealed.bytes) {
    return `expected ${sealed.bytes} bytes, got ${size}: ${size < sealed.bytes ? "cut short or swapped" : "swapped"}`;
  }
  const sha256 = await hashFile(handle);
  if (sha256 === sealed.sha256) return undefined;
  return `expected sha256 ${sealed.sha256.slice(0, 16)}..., got ${sha256.slice(0, 16)}...: damaged or swapped`;
}

/** sha256 of an open file, read in pieces. */
async function hashFile(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const piece = new Uint8Array(READ_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, position);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(piece.subarray(0, bytesRead));
    position += bytesRead;
  }
}
