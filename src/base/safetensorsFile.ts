/** Reading and writing safetensors files, a piece at a time: neither side ever holds a file twice. */
import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { endianness } from "node:os";
import { assert, UserError } from "./errors.ts";
import { errorCode, writeFileAtomic } from "./files.ts";
import type { FileSeal } from "./hash.ts";
import { openPlainFile } from "./plainFile.ts";
import { encodeHeader, parseHeader, prefixBytes, readHeaderLength, type SafetensorsHeader } from "./safetensors.ts";
import { storedTypes } from "./safetensorsTypes.ts";
import { type HostTensor, sizeOf } from "./tensors.ts";

/** Host tensors by name. */
export type NamedTensors = Readonly<Record<string, HostTensor>>;

export interface SafetensorsFile extends FileSeal {
  readonly tensors: NamedTensors;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes that are hashed and read or written at once; other work may run in between. */
const pieceBytes = 8 << 20;

/**
 * Writes tensors to a file, all or nothing: by name, 32-bit elements before booleans. Buffers are read in place, not
 * copied; they must not change until the promise resolves.
 * @param write `writeNewFile` inside a folder that is being made. @throws UserError when the disk refuses.
 */
export async function writeSafetensors(
  path: string,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
  write = writeFileAtomic,
): Promise<FileSeal> {
  const hash = createHash("sha256");
  let bytes = 0;
  function* sealed(): Generator<Uint8Array> {
    for (const piece of piecesOf(tensors, metadata)) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
  }
  await write(path, sealed());
  return { bytes, sha256: hash.digest("hex") };
}

/**
 * Reads a whole file; the hash is that of the bytes which were read. Each tensor has its own buffer.
 * @throws UserError naming the file when it is missing, damaged or holds a type that is not read.
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const hash = createHash("sha256");
    const header = await readHeader(file, size, path, hash);
    const tensors: [string, HostTensor][] = [];
    for (const { name, type, shape, begin, end } of header.tensors) {
      const buffer = new ArrayBuffer(end - begin);
      await readInto(file, new Uint8Array(buffer), path, hash);
      const { dtype, decode } = storedTypes[type];
      tensors.push([name, { shape, dtype, data: decode(buffer, `${path} ${name}`) }]);
    }
    const { metadata } = header;
    return { tensors: Object.fromEntries(tensors), metadata, bytes: size, sha256: hash.digest("hex") };
  } finally {
    await file.close();
  }
}

/** Reads and checks the header alone. @throws UserError as `readSafetensors` does. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const file = await open(path);
  try {
    return await readHeader(file, (await file.stat()).size, path, createHash("sha256"));
  } finally {
    await file.close();
  }
}

function* piecesOf(tensors: NamedTensors, metadata: Readonly<Record<string, string>>): Generator<Uint8Array> {
  assert(endianness() === "LE", "the host is little-endian, as the format is");
  const { bytes, order } = encodeHeader(tensors, metadata);
  yield bytes;
  for (const name of order) {
    const { data, shape } = tensors[name] as HostTensor;
    assert(data.length === sizeOf(shape), `${name} has as many elements as its shape`);
    const all = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < all.length; at += pieceBytes) yield all.subarray(at, at + pieceBytes);
  }
}

async function open(path: string): Promise<FileHandle> {
  try {
    return await openPlainFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(path, { expected: "a safetensors file", got: errorCode(error) ?? String(error) });
  }
}

async function readHeader(file: FileHandle, size: number, path: string, hash: Hash): Promise<SafetensorsHeader> {
  const prefix = new Uint8Array(Math.min(prefixBytes, size));
  await readInto(file, prefix, path, hash);
  const json = new Uint8Array(readHeaderLength(prefix, size, path));
  await readInto(file, json, path, hash);
  return parseHeader(json, size, path);
}

/** Fills `bytes` from the file's current position and adds them to the hash. */
async function readInto(file: FileHandle, bytes: Uint8Array, path: string, hash: Hash): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(pieceBytes, bytes.length - at), null);
    if (bytesRead === 0) throw new UserError(path, "the file became shorter while it was read");
    hash.update(bytes.subarray(at, at + bytesRead));
    at += bytesRead;
  }
}
