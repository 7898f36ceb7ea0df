import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../base/hash.ts";
import { userCache } from "../../base/userCache.ts";

/** Files beyond this total are removed, the longest unused first. */
const MAX_BYTES = 256 * 2 ** 20;
const SUFFIX = ".onnx";
/** Each file starts with the SHA-256 of the rest, as 64 hex digits. */
const SEAL_BYTES = 64;

/**
 * Models as ONNX Runtime's optimiser left them, so that a later start does not optimise again. Keyed by everything
 * that decides them, so entries never go stale. Only a convenience: whatever fails here costs time, nothing else.
 */
export class ProgramCache {
  private readonly folder: string;
  private readonly maxBytes: number;
  private numTemporaries = 0;

  constructor(folder: string = userCache("programs"), maxBytes: number = MAX_BYTES) {
    this.folder = folder;
    this.maxBytes = maxBytes;
  }

  /** The model stored under a key; undefined when there is none or its file is damaged, which is then removed. */
  async read(key: string): Promise<Uint8Array | undefined> {
    const path = this.pathOf(key);
    try {
      const file = await readFile(path);
      const bytes = file.subarray(SEAL_BYTES);
      if (sha256(bytes) !== file.toString("latin1", 0, SEAL_BYTES)) throw new Error("damaged");
      await utimes(path, new Date(), new Date());
      return bytes;
    } catch {
      await rm(path, { force: true }).catch(() => undefined);
      return undefined;
    }
  }

  /**
   * Calls `make` with the path of a temporary file to put a model in, and stores that model under `key`.
   * Where no file can be written, `make` is called without. @throws what that last call throws.
   */
  async store<T>(key: string, make: (path: string | undefined) => Promise<T>): Promise<T> {
    const beside = await this.temporaryPath();
    if (beside === undefined) return make(undefined);
    try {
      const made = await make(beside);
      await this.seal(beside, key).catch(() => undefined);
      return made;
    } catch {
      return await make(undefined);
    } finally {
      await rm(beside, { force: true }).catch(() => undefined);
    }
  }

  /** A reader sees a whole file or none: the name appears by a rename. */
  private async seal(from: string, key: string): Promise<void> {
    const bytes = await readFile(from);
    const sealed = `${from}.sealed`;
    try {
      await writeFile(sealed, [sha256(bytes), bytes]);
      await rename(sealed, this.pathOf(key));
    } finally {
      await rm(sealed, { force: true });
    }
    await this.trim();
  }

  private async trim(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(SUFFIX));
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(this.folder, name));
        return { name, size, mtimeMs };
      }),
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.maxBytes) return;
      await rm(join(this.folder, name), { force: true });
      total -= size;
    }
  }

  private async temporaryPath(): Promise<string | undefined> {
    try {
      await mkdir(this.folder, { recursive: true });
      this.numTemporaries++;
      return join(this.folder, `.${process.pid}-${this.numTemporaries}.tmp`);
    } catch {
      return undefined;
    }
  }

  private pathOf(key: string): string {
    return join(this.folder, `${key}${SUFFIX}`);
  }
}
