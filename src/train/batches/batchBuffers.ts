import { assert } from "../../base/errors.ts";
import { type DType, type HostTensor, sizeOf, type TensorSpec } from "../../base/tensors.ts";
import type { HostMap, Signature } from "../../engine/engine.ts";

/** Tensors begin at multiples of this many bytes. */
const ALIGNMENT = 64;

/** Tensors of one batch in memory that threads share. */
export interface SharedBatch {
  readonly tensors: HostMap;
  readonly memory: SharedArrayBuffer;
}

/**
 * Memory for a bounded number of batches, used again and again. Any batch fits anywhere: a piece of memory that is too
 * small is replaced, so that all grow to the largest batch and no further.
 */
export class BatchBuffers {
  private readonly free: (SharedArrayBuffer | undefined)[];

  /** @param count batches that are held at once, at most. */
  constructor(count: number) {
    this.free = Array.from({ length: count }, () => undefined);
  }

  /** Tensors of these shapes. What they hold is left from another batch. */
  take(signature: Signature): SharedBatch {
    assert(this.free.length > 0, "a batch was given back before the next is taken");
    const { numBytes, offsets } = placed(signature);
    const used = this.free.pop();
    const memory = used !== undefined && used.byteLength >= numBytes ? used : new SharedArrayBuffer(numBytes);
    const tensors = Object.entries(signature).map(([name, spec]) => {
      return [name, view(spec, memory, offsets.get(name) ?? 0)] as const;
    });
    return { tensors: Object.fromEntries(tensors), memory };
  }

  giveBack({ memory }: SharedBatch): void {
    this.free.push(memory);
  }
}

const BYTES_PER_VALUE = { float32: 4, int32: 4, bool: 1 } as const satisfies Record<DType, number>;

function placed(signature: Signature): { numBytes: number; offsets: ReadonlyMap<string, number> } {
  const offsets = new Map<string, number>();
  let numBytes = 0;
  for (const [name, { shape, dtype }] of Object.entries(signature)) {
    offsets.set(name, numBytes);
    const end = numBytes + sizeOf(shape) * BYTES_PER_VALUE[dtype];
    numBytes = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
  }
  return { numBytes, offsets };
}

function view({ shape, dtype }: TensorSpec, memory: SharedArrayBuffer, offset: number): HostTensor {
  const size = sizeOf(shape);
  if (dtype === "float32") return { shape, dtype, data: new Float32Array(memory, offset, size) };
  if (dtype === "int32") return { shape, dtype, data: new Int32Array(memory, offset, size) };
  return { shape, dtype, data: new Uint8Array(memory, offset, size) };
}
