import { accessSync, constants, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A new folder, in memory where Linux has one. On a disk, a file that is written over is brought to it before the next
 * is: a hundred thousand inputs wait for whatever else the disk does, at times for minutes.
 */
export function fuzzScratch(): string {
  return mkdtempSync(join(canWrite("/dev/shm") ? "/dev/shm" : tmpdir(), "kinema-fuzz-"));
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
