import type { BenchCase } from "./case.ts";
import { ditB, ditS, ditXl } from "./dit.ts";
import { vaeS } from "./vaeS.ts";

/** Workloads of fixed size by name. */
export const benchCases: Readonly<Record<string, BenchCase>> = {
  "dit-s": ditS,
  "dit-b": ditB,
  "dit-xl": ditXl,
  "vae-s": vaeS,
};
