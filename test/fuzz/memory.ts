import { getHeapStatistics } from "node:v8";

/** Typed arrays and buffers asked for while a guard stands. */
export interface MemoryGuard {
  /** Bytes asked for since the last `reset`. */
  readonly asked: number;
  /** Begins to count anew. @param limit bytes; who asks for more in all gets a MemoryExceeded. */
  reset(limit: number): void;
  remove(): void;
}

/** A reader asked for more memory than its input may cost. */
export class MemoryExceeded extends Error {
  override readonly name = "MemoryExceeded";
}

const names = [
  ...["ArrayBuffer", "Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array", "Int32Array"],
  ...["Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array", "Uint8ClampedArray"],
] as const;

/**
 * Stands before the constructors of typed arrays and buffers and `Buffer.alloc`, so that a size from a hostile file is
 * seen before the system is asked for it.
 */
export function guardMemory(): MemoryGuard {
  let [asked, limit] = [0, Number.POSITIVE_INFINITY];
  const ask = (bytes: number) => {
    asked += bytes;
    if (asked > limit) throw new MemoryExceeded(`${asked} bytes asked for, ${limit} allowed`);
  };
  const undo = names.map((name) => {
    const original: unknown = Reflect.get(globalThis, name);
    if (typeof original !== "function") throw new Error(`no ${name} here`);
    const itemBytes = Number(Reflect.get(original, "BYTES_PER_ELEMENT") ?? 1);
    const guarded: object = new Proxy(original, {
      construct(target, args, newTarget) {
        ask(itemsOf(args[0]) * itemBytes);
        return Reflect.construct(target, args, newTarget === guarded ? target : newTarget);
      },
    });
    return replace(globalThis, name, guarded);
  });
  for (const name of ["alloc", "allocUnsafe"] as const) {
    const original = Buffer[name];
    undo.push(
      replace(Buffer, name, (size: number) => {
        ask(size);
        return original(size);
      }),
    );
  }
  return {
    get asked() {
      return asked;
    },
    reset(bytes) {
      [asked, limit] = [0, bytes];
    },
    remove() {
      for (const restore of undo) restore();
    },
  };
}

/** Bytes that JavaScript values and their buffers take now. */
export function bytesInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Items that a constructor's first argument asks for; 0 for a view of what is there. */
function itemsOf(first: unknown): number {
  if (typeof first === "number") return first;
  return Array.isArray(first) || ArrayBuffer.isView(first) ? Number(Reflect.get(first, "length") ?? 0) : 0;
}

function replace(holder: object, name: string, value: unknown): () => void {
  const original: unknown = Reflect.get(holder, name);
  Reflect.set(holder, name, value);
  return () => Reflect.set(holder, name, original);
}
