import fs, { type FileHandle } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { UserError } from "./errors.ts";

/** A file inside a zip file. */
export interface ZipEntry {
  /** Its path, with slashes. Not checked: it may point anywhere. */
  readonly name: string;
  /** Size when unpacked. */
  readonly bytes: number;
  readonly packedBytes: number;
  readonly crc32: number;
  /** 0: stored as it is; 8: deflated. */
  readonly method: number;
  /** Where its local header stands. */
  readonly at: number;
}

const signatures = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, find64: 0x07064b50 };
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END64_BYTES = 56;
const FIND64_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;
/** A 32-bit field that says that the number stands in the ZIP64 part. */
const IN_64 = 0xffffffff;
const ZIP64_EXTRA = 1;
const PIECE_BYTES = 1 << 20;
const STORED = 0;
const DEFLATED = 8;

/** Where the list of entries stands. */
interface Directory {
  readonly at: number;
  readonly bytes: number;
  readonly numEntries: number;
}

/** Reads a zip file, a Python wheel for one. ZIP64 too; not encrypted or split ones. Source: PKWARE's APPNOTE 6.3.10. */
export class ZipFile {
  readonly path: string;
  readonly entries: readonly ZipEntry[];
  private readonly file: FileHandle;

  private constructor(path: string, file: FileHandle, entries: readonly ZipEntry[]) {
    this.path = path;
    this.file = file;
    this.entries = entries;
  }

  /** @throws UserError when there is no such file or it is not a whole zip file. */
  static async open(path: string): Promise<ZipFile> {
    const file = await fs.open(path).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(path, { expected: "a zip file", got: `a file that cannot be opened (${error.code})` });
    });
    try {
      return new ZipFile(path, file, await readEntries(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The entry of this name. */
  find(name: string): ZipEntry | undefined {
    return this.entries.find((entry) => entry.name === name);
  }

  /** What an entry holds, piece by piece. @throws UserError when it is damaged, at the latest at its end. */
  async *read(entry: ZipEntry): AsyncIterable<Uint8Array> {
    const damaged = (how: string) => new UserError(this.path, `the zip file is damaged: ${entry.name} ${how}`);
    let [bytes, checksum] = [0, 0];
    try {
      for await (const piece of await this.unpacked(entry)) {
        bytes += piece.length;
        if (bytes > entry.bytes) break;
        checksum = crc32(piece, checksum);
        yield piece;
      }
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw damaged(error instanceof Error ? `does not unpack (${error.message})` : "does not unpack");
    }
    if (bytes !== entry.bytes) throw damaged("has another size than its list says");
    if (checksum !== entry.crc32) throw damaged("has a wrong checksum");
  }

  /** A small entry as text. */
  async text(entry: ZipEntry): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.read(entry)) pieces.push(piece);
    return Buffer.concat(pieces).toString("utf8");
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private async unpacked(entry: ZipEntry): Promise<AsyncIterable<Buffer>> {
    const header = await readExactly(this.path, this.file, entry.at, LOCAL_BYTES);
    if (header.readUInt32LE(0) !== signatures.local) throw notZip(this.path, `no header where ${entry.name} begins`);
    const start = entry.at + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
    const packed = this.packed(start, entry.packedBytes);
    if (entry.method === STORED) return packed;
    return pipeline(Readable.from(packed), createInflateRaw({ chunkSize: PIECE_BYTES }), () => undefined);
  }

  private async *packed(start: number, bytes: number): AsyncIterable<Buffer> {
    for (let done = 0; done < bytes; done += PIECE_BYTES) {
      yield await readExactly(this.path, this.file, start + done, Math.min(PIECE_BYTES, bytes - done));
    }
  }
}

async function readEntries(path: string, file: FileHandle): Promise<ZipEntry[]> {
  const { size } = await file.stat();
  const directory = await findDirectory(path, file, size);
  if (directory.at + directory.bytes > size) throw notZip(path, "a list of entries beyond its end");
  const list = await readExactly(path, file, directory.at, directory.bytes);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < directory.numEntries; ) {
    if (at + CENTRAL_BYTES > list.length || list.readUInt32LE(at) !== signatures.central) {
      throw notZip(path, `${entries.length} of ${directory.numEntries} entries`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => list.readUInt16LE(at + field));
    const extraAt = at + CENTRAL_BYTES + (nameBytes ?? 0);
    const next = extraAt + (extraBytes ?? 0) + (commentBytes ?? 0);
    if (next > list.length) throw notZip(path, "a list of entries that is cut off");
    entries.push(entryFrom(path, list.subarray(at, extraAt), list.subarray(extraAt, extraAt + (extraBytes ?? 0))));
    at = next;
  }
  return entries;
}

function entryFrom(path: string, header: Buffer, extra: Buffer): ZipEntry {
  const name = header.toString("utf8", CENTRAL_BYTES);
  const method = header.readUInt16LE(10);
  if ((header.readUInt16LE(8) & 1) !== 0) throw notZip(path, `the encrypted entry ${name}`);
  if (method !== STORED && method !== DEFLATED) throw notZip(path, `${name} packed by method ${method}`);
  const large = largeNumbers(extra);
  const field = (at: number): number => {
    const value = header.readUInt32LE(at);
    return value === IN_64 ? (large.shift() ?? value) : value;
  };
  const [bytes, packedBytes, at] = [field(24), field(20), field(42)] as const;
  return { name, bytes, packedBytes, crc32: header.readUInt32LE(16), method, at };
}

/** The 64-bit numbers of an entry's ZIP64 part, in the order of the fields that they stand for. */
function largeNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64_EXTRA && end <= extra.length) {
      const numbers: number[] = [];
      for (let field = at + 4; field + 8 <= end; field += 8) numbers.push(Number(extra.readBigUInt64LE(field)));
      return numbers;
    }
    at = end;
  }
  return [];
}

/** The record at the end of the file tells where the list stands; a comment may follow it. */
async function findDirectory(path: string, file: FileHandle, size: number): Promise<Directory> {
  const tailAt = Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES - FIND64_BYTES);
  const tail = await readExactly(path, file, tailAt, size - tailAt);
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== signatures.end) end--;
  if (end < 0) throw notZip(path, "a file without its end");
  const small = { numEntries: tail.readUInt16LE(end + 10), bytes: tail.readUInt32LE(end + 12) };
  const find64 = end - FIND64_BYTES;
  if (find64 < 0 || tail.readUInt32LE(find64) !== signatures.find64)
    return { ...small, at: tail.readUInt32LE(end + 16) };
  const record = await readExactly(path, file, Number(tail.readBigUInt64LE(find64 + 8)), END64_BYTES);
  if (record.readUInt32LE(0) !== signatures.end64) throw notZip(path, "a wrong ZIP64 record");
  const [numEntries, bytes, at] = [32, 40, 48].map((field) => Number(record.readBigUInt64LE(field)));
  return { numEntries: numEntries ?? 0, bytes: bytes ?? 0, at: at ?? 0 };
}

async function readExactly(path: string, file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { size } = await file.stat();
  if (!(at >= 0 && at + bytes <= size)) throw notZip(path, "a file that is cut off");
  const buffer = Buffer.allocUnsafe(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, at + done);
    if (bytesRead === 0) throw notZip(path, "a file that is cut off");
    done += bytesRead;
  }
  return buffer;
}

function notZip(path: string, got: string): UserError {
  return new UserError(path, { expected: "a whole zip file", got });
}
