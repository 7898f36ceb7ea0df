import { assert } from "../../base/errors.ts";
import { foreign } from "./foreign.ts";

/** An address in native memory. */
export type Address = bigint;

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;
const MAP_FAILED = 2n ** 64n - 1n;

type NativeFunction = ReturnType<ReturnType<typeof foreign.load>["func"]>;

/** The calls of the C library that hand out pages. */
class Pages {
  private readonly mmap: NativeFunction;
  private readonly mprotect: NativeFunction;
  private readonly munmap: NativeFunction;
  private readonly memcpy: NativeFunction;

  constructor() {
    const process = foreign.load(null);
    this.mmap = process.func("void *mmap(void *at, size_t bytes, int rights, int flags, int file, int64_t offset)");
    this.mprotect = process.func("int mprotect(void *at, size_t bytes, int rights)");
    this.munmap = process.func("int munmap(void *at, size_t bytes)");
    this.memcpy = process.func("void *memcpy(void *to, void *from, size_t bytes)");
  }

  map(bytes: number): Address {
    const at: Address = this.mmap(null, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at === null || at === MAP_FAILED) throw new Error(`no ${bytes} bytes of memory`);
    return at;
  }

  write(to: Address, bytes: Uint8Array): void {
    if (bytes.length > 0) this.memcpy(to, bytes, bytes.length);
  }

  makeExecutable(at: Address, bytes: number): void {
    if (this.mprotect(at, bytes, PROT_READ | PROT_EXEC) === 0) return;
    this.unmap(at, bytes);
    throw new Error("this machine refuses executable memory");
  }

  unmap(at: Address, bytes: number): void {
    this.munmap(at, bytes);
  }
}

let pages: Pages | undefined;

function loadedPages(): Pages {
  assert(process.platform === "linux" && process.arch === "x64", "native memory is mapped on Linux x64 only");
  pages ??= new Pages();
  return pages;
}

/** Places code in memory of its own, written first and executable after, never both. It is never freed. */
export function placeCode(code: Uint8Array): Address {
  const memory = loadedPages();
  const at = memory.map(code.length);
  memory.write(at, code);
  memory.makeExecutable(at, code.length);
  return at;
}

/** Data is placed in pieces of this size. */
const PIECE_BYTES = 256 * 1024;
const ALIGNMENT = 64;
let piece = { at: 0n, used: PIECE_BYTES };

/** Copies data to memory outside the JavaScript heap, which never moves and is never freed. */
export function placeData(bytes: Uint8Array): Address {
  const memory = loadedPages();
  const size = Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT;
  if (size > PIECE_BYTES) {
    const at = memory.map(size);
    memory.write(at, bytes);
    return at;
  }
  if (piece.used + size > PIECE_BYTES) piece = { at: memory.map(PIECE_BYTES), used: 0 };
  const at = piece.at + BigInt(piece.used);
  memory.write(at, bytes);
  piece.used += size;
  return at;
}
