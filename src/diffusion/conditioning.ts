import { z } from "zod";
import type { KeyedRandom } from "../base/random.ts";

/** Which frames of a clip are given in training, beside none of them. */
export const PATTERNS = ["first", "last", "both", "keyframes", "independent"] as const;
export type Pattern = (typeof PATTERNS)[number];

/** Share of the clips that are always drawn from noise alone: without it a model forgets how. */
const LEAST_FREE = 0.05;

const share = (what: string) => z.number().min(0).max(1).default(0).describe(`${what} 0: not trained for.`);

export const conditioningSchema = z
  .strictObject({
    first: share("Share of the clips whose first frames are given: animate an image, extend forward, long clips."),
    last: share("Whose last frames are given: extend backward."),
    both: share("Whose first and last frames are given: loop, connect two clips."),
    keyframes: share("Of which some frames anywhere are given: keyframes."),
    independent: share(
      "Whose frames have times of their own, after none or some that are given: long clips frame by frame (diffusion forcing).",
    ),
  })
  .refine((shares) => PATTERNS.reduce((sum, pattern) => sum + shares[pattern], 0) <= 1 - LEAST_FREE + 1e-9, {
    error: `expected shares that leave at least ${LEAST_FREE} of the clips to text alone`,
  })
  .describe(
    "Which latent frames are given clean in training; the rest of the clips are drawn from text alone. A clip of one frame is an image and always is.",
  );
export type ConditioningConfig = z.output<typeof conditioningSchema>;

/** What is given of a clip. */
export interface Conditioning {
  readonly pattern: Pattern | "none";
  /** 1 where a frame is given. */
  readonly known: Uint8Array;
}

/**
 * Draws what is given of a clip of so many frames of tokens. At least one frame is always drawn. Counts are uniform:
 * `first`, `last` and `keyframes` give 1 to t - 1 frames, `both` 2 to t - 1 (`first` where there are only 2 frames),
 * `independent` the first 0 to t - 1.
 */
export function drawConditioning(shares: ConditioningConfig, numFrames: number, random: KeyedRandom): Conditioning {
  const known = new Uint8Array(numFrames);
  const pattern = drawPattern(shares, numFrames, random);
  if (pattern === "none") return { pattern, known };
  const least = pattern === "independent" ? 0 : pattern === "both" ? 2 : 1;
  const count = least + random.int(numFrames - least);
  if (pattern === "first" || pattern === "independent") known.fill(1, 0, count);
  if (pattern === "last") known.fill(1, numFrames - count);
  if (pattern === "both") {
    const numFirst = 1 + random.int(count - 1);
    known.fill(1, 0, numFirst);
    known.fill(1, numFrames - (count - numFirst));
  }
  if (pattern === "keyframes") {
    const frames = random.shuffle(Array.from(known.keys()));
    for (const frame of frames.slice(0, count)) known[frame] = 1;
  }
  return { pattern, known };
}

/** Mean number of frames that are not given, of clips of so many frames. */
export function meanDrawnFrames(shares: ConditioningConfig, numFrames: number): number {
  if (numFrames === 1) return 1;
  const { first, last, both, keyframes, independent } = shares;
  const free = 1 - first - last - both - keyframes - independent;
  const half = first + last + keyframes + (numFrames === 2 ? both : 0);
  const ends = numFrames === 2 ? 0 : both;
  return free * numFrames + (half * numFrames) / 2 + (ends * (numFrames - 1)) / 2 + (independent * (numFrames + 1)) / 2;
}

function drawPattern(shares: ConditioningConfig, numFrames: number, random: KeyedRandom): Pattern | "none" {
  let left = random.uniform();
  if (numFrames === 1) return "none";
  for (const pattern of PATTERNS) {
    left -= shares[pattern];
    if (left < 0) return pattern === "both" && numFrames === 2 ? "first" : pattern;
  }
  return "none";
}
