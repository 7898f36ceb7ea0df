/** The vector instructions that code is written in, as far as the code depends on them. */
export interface VectorIsa {
  readonly name: "avx512" | "avx2";
  /** As people call it. */
  readonly title: string;
  /** Floats of a vector. */
  readonly floats: number;
  /** Vector registers. */
  readonly registers: number;
  /** Whether any instruction may mask its result, by mask registers, and repeat one float that it reads (EVEX). */
  readonly masksAll: boolean;
}

export const avx512: VectorIsa = { name: "avx512", title: "AVX-512", floats: 16, registers: 32, masksAll: true };

/** AVX2 with FMA. Masks are vectors, of loads and stores only. */
export const avx2: VectorIsa = { name: "avx2", title: "AVX2", floats: 8, registers: 16, masksAll: false };

/** All of them, the best first. */
export const vectorIsas: readonly VectorIsa[] = [avx512, avx2];

export function vectorBytes({ floats }: VectorIsa): number {
  return 4 * floats;
}
