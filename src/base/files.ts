/**
 * Crash-safe files. What stands under a final name is whole and on the disk, or it is what stood there before.
 * Everything is written beside under a hidden temporary name, synced, renamed, and the parent folder synced.
 * After a failure nothing is tried again: a second fsync of the same file may report success for lost data.
 */
import type { Dirent } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { UserError } from "./errors.ts";

/** What to write: bytes, text, or pieces of bytes in order. A piece may be overwritten once the next is asked for. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Replaces the file at `path` by this content, all or nothing. @throws UserError when the disk refuses. */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const beside = temporaryName(path, "tmp");
  try {
    await writeNewFile(beside, content);
    await fs.rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await fs.rm(beside, { force: true }).catch(() => undefined);
    throw diskError(path, error);
  }
}

/**
 * Makes the folder at `path`, all or nothing: `fill` writes into the folder it is given, whose name is temporary.
 * An empty folder at `path` is taken over; a filled one only with `replace`.
 * @throws UserError when the disk refuses or something stands at `path` already; whatever `fill` throws.
 */
export async function writeFolderAtomic(
  path: string,
  fill: (folder: string) => Promise<void>,
  options: { readonly replace?: boolean } = {},
): Promise<void> {
  const beside = temporaryName(path, "tmp");
  try {
    await refuseFilled(path, options);
    await makeFolder(beside);
    await fill(beside);
    await publishFolder(beside, path, options);
  } catch (error) {
    await fs.rm(beside, { recursive: true, force: true }).catch(() => undefined);
    throw diskError(path, error);
  }
}

/**
 * Gives a filled folder its final name, all or nothing: everything in it is synced first. `filled` lies beside `path`.
 * An empty folder at `path` is taken over; a filled one only with `replace`.
 * @throws UserError when the disk refuses or something stands at `path` already; `filled` is then still there.
 */
export async function publishFolder(
  filled: string,
  path: string,
  options: { readonly replace?: boolean } = {},
): Promise<void> {
  const old = temporaryName(path, "old");
  try {
    await refuseFilled(path, options);
    await syncTree(filled);
    if (!(await isVacant(path))) await fs.rename(path, old);
    await fs.rename(filled, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await restore(old, path).catch(() => undefined);
    throw diskError(path, error);
  }
  await fs.rm(old, { recursive: true, force: true }).catch(() => undefined);
}

/** Makes a folder and the missing ones above it, durably. An existing one is fine. */
export async function makeFolder(path: string): Promise<void> {
  try {
    const first = await fs.mkdir(resolve(path), { recursive: true });
    if (first === undefined) return;
    for (let made = resolve(path); made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  } catch (error) {
    throw diskError(path, error);
  }
}

/**
 * Writes a new file and syncs it. Not atomic: for files in the folder that `writeFolderAtomic` fills.
 * @throws an error of the system; one with code EEXIST when the file exists.
 */
export async function writeNewFile(path: string, content: FileContent): Promise<void> {
  const file = await fs.open(path, "wx");
  try {
    for await (const piece of piecesOf(content)) await writeAll(file, piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes a folder so that no half of it is ever seen under its name. Nothing happens when there is none. */
export async function removeFolder(path: string): Promise<void> {
  const doomed = temporaryName(path, "tmp");
  try {
    await fs.rename(path, doomed);
    await syncFolder(dirname(path));
    await fs.rm(doomed, { recursive: true, force: true });
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw diskError(path, error);
  }
}

/**
 * Cleans a folder of what killed writers left in it: temporaries go, and what was moved aside comes back unless its
 * successor is in place. Only for a folder that nobody else is writing to.
 * @param only the one name whose leftovers go; nobody else is writing that one.
 */
export async function removeLeftovers(folder: string, only?: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const [, original, kind] = /^\.(.+)\.(tmp|old)-\d+-\d+$/.exec(name) ?? [];
    if (original === undefined || (only !== undefined && original !== only)) continue;
    if (kind === "old") await restore(join(folder, name), join(folder, original));
    await fs.rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Names in a folder, sorted; none when it does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await fs.readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/**
 * The absolute path of `inner` below `root`, for names that come from a manifest or another file.
 * @throws UserError when it is absolute, climbs out by `..`, or leaves `root` through a symbolic link.
 */
export async function resolveInside(root: string, inner: string): Promise<string> {
  const refuse = (got: string) => new UserError(root, { expected: "a path inside this folder", got });
  const shown = JSON.stringify(inner);
  if (inner === "" || inner.includes("\0")) throw refuse(shown);
  if (isAbsolute(inner) || /^[\\/]|^[A-Za-z]:/.test(inner)) throw refuse(`the absolute path ${shown}`);
  if (inner.split(/[\\/]/).includes("..")) throw refuse(shown);
  const realRoot = await fs.realpath(root);
  const path = resolve(realRoot, inner);
  const real = await realPathOfExisting(path);
  if (real !== realRoot && !real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw refuse(`${shown}, a link to ${real}`);
  }
  return path;
}

/** The code of a system error, e.g. `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function piecesOf(content: FileContent): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === "string") return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(bytes.length - at, 1 << 24));
    at += bytesWritten;
  }
}

/** Syncs every file and folder below a folder, then the folder. */
async function syncTree(folder: string): Promise<void> {
  const entries: Dirent[] = await fs.readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncPath(path);
  }
  await syncFolder(folder);
}

/** Makes the names in a folder durable. Windows cannot open folders; its file systems journal names themselves. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform !== "win32") await syncPath(folder);
}

async function syncPath(path: string): Promise<void> {
  const handle = await fs.open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function refuseFilled(path: string, options: { readonly replace?: boolean }): Promise<void> {
  if (options.replace === true || (await isVacant(path))) return;
  throw new UserError(path, { expected: "no folder yet", got: "one with files in it", try: "another name" });
}

async function isVacant(path: string): Promise<boolean> {
  try {
    return (await fs.readdir(path)).length === 0;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return true;
    if (errorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

async function restore(aside: string, path: string): Promise<void> {
  const stands = async (at: string) => (await fs.lstat(at).catch(() => undefined)) !== undefined;
  if ((await stands(aside)) && !(await stands(path))) await fs.rename(aside, path);
}

/** The real path of the deepest part that exists, with the rest appended; where a dangling link points to. */
async function realPathOfExisting(path: string): Promise<string> {
  try {
    return await fs.realpath(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    const parent = await realPathOfExisting(dirname(path));
    const target = await fs.readlink(path).catch(() => undefined);
    return target === undefined ? join(parent, basename(path)) : realPathOfExisting(resolve(parent, target));
  }
}

let numTemporaries = 0;

function temporaryName(path: string, kind: "tmp" | "old"): string {
  numTemporaries += 1;
  return join(dirname(path), `.${basename(path)}.${kind}-${process.pid}-${numTemporaries}`);
}

const refusals: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EIO: "the disk reported an input/output error",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EMFILE: "too many open files",
};

/** A refusal of the disk as a one-line error; anything else as it is. */
export function diskError(path: string, error: unknown): unknown {
  const refusal = refusals[errorCode(error) ?? ""];
  return refusal === undefined ? error : new UserError(path, `could not be written: ${refusal}`);
}
