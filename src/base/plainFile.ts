/** Reading of files that may come from strangers. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { UserError } from "./errors.ts";

/** Enough for what this project writes into one JSON file; parsed, it stays within a few hundred megabytes. */
export const maxTextBytes = 16 << 20;

/** Opening a pipe waits for whoever writes to it, unless it is told not to. Windows has no such flag. */
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file for reading. @throws UserError when it is a folder, a pipe or a device, whose bytes might never end; an
 * error of the system when it cannot be opened.
 */
export async function openPlainFile(path: string): Promise<FileHandle> {
  const file = await open(path, readFlags);
  try {
    refuseUnlessPlain(path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The bytes of a small file, whole. Its kind and size are looked at before anything is read.
 * @throws UserError when it is no plain file or larger than `maxTextBytes`; an error of the system when it cannot be
 * opened.
 */
export function readSmallFile(path: string): Buffer {
  const file = openSync(path, readFlags);
  try {
    const stat = fstatSync(file);
    refuseUnlessPlain(path, stat);
    if (stat.size > maxTextBytes) {
      throw new UserError(path, { expected: `at most ${maxTextBytes >> 20} MiB of text`, got: `${stat.size} bytes` });
    }
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** The text of a small file. @throws as `readSmallFile` does. */
export function readTextFile(path: string): string {
  return readSmallFile(path).toString("utf8");
}

function refuseUnlessPlain(path: string, stat: Stats): void {
  if (!stat.isFile()) throw new UserError(path, { expected: "a plain file", got: "a folder or something else" });
}
