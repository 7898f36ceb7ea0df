/** A GPU, or a driver that acts as one, with what decides which models it can train. */
export interface Adapter {
  readonly name: string;
  /** `software` computes on the processors. */
  readonly type: "integrated" | "discrete" | "virtual" | "software" | "other";
  /** Memory of its own, or the share of the machine's that it uses, in bytes. */
  readonly memoryBytes: number | undefined;
  /** The largest tensor that a program can read or write, in bytes. */
  readonly maxTensorBytes: number | undefined;
  /** Threads of one work group, and the memory that they share, in bytes. */
  readonly maxGroupThreads: number | undefined;
  readonly groupMemoryBytes: number | undefined;
  /** Whether it has 16-bit floats; undefined when that is not told. */
  readonly f16: boolean | undefined;
}

/** `Tesla T4 (discrete), 16.0 GB, tensors to 4.3 GB, groups of 1024 threads with 48 KB, f16`. */
export function describeAdapter(adapter: Adapter): string {
  const { name, type, memoryBytes, maxTensorBytes, maxGroupThreads, groupMemoryBytes, f16 } = adapter;
  const facts = [
    memoryBytes === undefined ? undefined : gigabytes(memoryBytes),
    maxTensorBytes === undefined ? undefined : `tensors to ${gigabytes(maxTensorBytes)}`,
    maxGroupThreads === undefined || groupMemoryBytes === undefined
      ? undefined
      : `groups of ${maxGroupThreads} threads with ${Math.round(groupMemoryBytes / 1024)} KB`,
    f16 === undefined ? undefined : f16 ? "f16" : "no f16",
  ];
  return [`${name} (${type})`, ...facts.filter((fact) => fact !== undefined)].join(", ");
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
