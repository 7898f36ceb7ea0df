import { createHash } from "node:crypto";
import seedrandom from "seedrandom";
import { philox } from "./philox.ts";

const UINT32_SCALE = 2 ** -32;

/**
 * Random numbers named by what they are for: the same (seed, purpose, ids) gives the same numbers on every machine,
 * whatever else was drawn before. Typical ids: sample hash, step. Single draws come from seedrandom's alea, arrays from
 * Philox4x32-10; the two do not disturb each other.
 */
export class KeyedRandom {
  private readonly single: () => number;
  private readonly key = new Uint32Array(2);
  private readonly counter = new Uint32Array(4);
  private readonly block = new Uint32Array(4);

  constructor(seed: number | string, purpose: string, ...ids: readonly (number | string)[]) {
    const name = JSON.stringify([seed, purpose, ...ids]);
    const digest = createHash("sha256").update(name).digest();
    this.single = seedrandom.alea(digest.toString("hex"));
    this.key.set([digest.readUInt32LE(0), digest.readUInt32LE(4)]);
    this.counter.set([0, 0, digest.readUInt32LE(8), digest.readUInt32LE(12)]);
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return this.single();
  }

  /** Standard normal. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.single()));
    return radius * Math.cos(2 * Math.PI * this.single());
  }

  /** Uniform integer in [0, count). */
  int(count: number): number {
    return Math.floor(this.single() * count);
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }

  /** Shuffles in place (Fisher-Yates) and returns the array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items;
  }

  /** Fills with uniforms in [0, 1). */
  fillUniform(out: Float32Array): Float32Array {
    for (let i = 0; i < out.length; i += 4) {
      const words = this.nextBlock();
      // 24 bits: what a float32 holds without rounding up to 1.
      for (let j = 0; j < 4 && i + j < out.length; j++) out[i + j] = ((words[j] as number) >>> 8) * 2 ** -24;
    }
    return out;
  }

  /** Fills with standard normals (Box-Muller on pairs). */
  fillNormal(out: Float32Array): Float32Array {
    for (let i = 0; i < out.length; i += 4) {
      const words = this.nextBlock();
      for (let pair = 0; pair < 4; pair += 2) {
        const radius = Math.sqrt(-2 * Math.log(((words[pair] as number) + 1) * UINT32_SCALE));
        const angle = 2 * Math.PI * (words[pair + 1] as number) * UINT32_SCALE;
        if (i + pair < out.length) out[i + pair] = radius * Math.cos(angle);
        if (i + pair + 1 < out.length) out[i + pair + 1] = radius * Math.sin(angle);
      }
    }
    return out;
  }

  private nextBlock(): Uint32Array {
    philox(this.counter, this.key, this.block);
    const low = ((this.counter[0] as number) + 1) >>> 0;
    this.counter[0] = low;
    if (low === 0) this.counter[1] = (this.counter[1] as number) + 1;
    return this.block;
  }
}
