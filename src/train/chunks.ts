import type { Engine, Program, Signature, TensorFn } from "../engine/engine.ts";
import type { FlatLayout } from "./flatState.ts";

/** Floats that one run of a chunk program updates: small enough for the cache, large enough to hide the call. */
const CHUNK_FLOATS = 256 * 1024;

/** One program per function and chunk size. */
export class ChunkPrograms {
  private readonly engine: Engine;
  private readonly programs = new Map<string, Program>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async get(
    name: string,
    fn: TensorFn,
    size: number,
    vectors: readonly string[],
    scalars: readonly string[],
  ): Promise<Program> {
    const key = `${name}-${size}`;
    const signature: Signature = Object.fromEntries([
      ...vectors.map((vector) => [vector, { shape: [size], dtype: "float32" }] as const),
      ...scalars.map((scalar) => [scalar, { shape: [], dtype: "float32" }] as const),
    ]);
    const program = this.programs.get(key) ?? (await this.engine.compile(key, fn, signature));
    this.programs.set(key, program);
    return program;
  }
}

/** The pieces of flat buffers that one run works on; none spans two decay groups. */
export function* chunksOf(layout: FlatLayout): Generator<{ start: number; end: number; decayed: boolean }> {
  for (const { start, end, decayed } of layout.groups) {
    for (let at = start; at < end; at += CHUNK_FLOATS)
      yield { start: at, end: Math.min(end, at + CHUNK_FLOATS), decayed };
  }
}

/** Runs in flight at once: each alone leaves a core idle between its operations. */
const NUM_LANES = 2;

/** Does `work` for every item, a few at a time. The items must not depend on each other. */
export async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const lane = async (first: number) => {
    for (let i = first; i < items.length; i += NUM_LANES) await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: NUM_LANES }, (_, first) => lane(first)));
}
