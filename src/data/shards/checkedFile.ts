import { createHash } from "node:crypto";
import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { type AsyncRecordBatchFileReader, RecordBatchReader } from "apache-arrow";
import { UserError } from "../../base/errors.ts";
import type { ShardFile } from "./writer.ts";

const READ_BYTES = 2 ** 22;

/** Size and sha256 of an open file, read in pieces. */
export async function hashFile(handle: FileHandle): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const piece = new Uint8Array(READ_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest("hex") };
    hash.update(piece.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}

/** An Arrow file whose hash was compared with the manifest's. The handle stays open, so what is read is what was hashed. */
export interface CheckedFile {
  readonly path: string;
  readonly reader: AsyncRecordBatchFileReader;
  close(): Promise<void>;
}

/** Opens a dataset's file for random access. Reads the footer only, after the hash. @throws UserError when not whole. */
export async function openChecked(dir: string, expected: ShardFile): Promise<CheckedFile> {
  const path = join(dir, expected.file);
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((cause: unknown) => {
    throw new UserError(path, { expected: "a file of the dataset", got: String(cause), try: REBUILD });
  });
  try {
    const { bytes, sha256 } = await hashFile(handle);
    if (bytes !== expected.bytes || sha256 !== expected.sha256) {
      throw new UserError(path, {
        expected: `${expected.bytes} bytes with sha256 ${expected.sha256.slice(0, 16)}...`,
        got: `${bytes} bytes with ${sha256.slice(0, 16)}...: damaged or swapped`,
        try: REBUILD,
      });
    }
    const reader = await RecordBatchReader.from(handle);
    if (!reader.isAsync() || !reader.isFile()) {
      throw new UserError(path, { expected: "an Arrow IPC file", got: "something else", try: REBUILD });
    }
    await reader.open();
    return { path, reader, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const REBUILD = "`kinema data verify` to see what else is damaged, or build the dataset again";
