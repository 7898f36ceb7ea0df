import { z } from "zod";
import { UserError } from "../base/errors.ts";
import type { DamagedRow } from "./shards/damagedRow.ts";
import type { BadShard } from "./shards/shardFiles.ts";

export const maxBadShareSchema = z
  .number()
  .min(0)
  .max(1)
  .default(0.05)
  .describe(
    "Share of a dataset's clips that may be damaged before work with it stops. A damaged clip is named and another of its size takes its place. 0.05: a few bad blocks of a disk do not end a long run, a lost shard of a small dataset does.",
  );

export interface DamageOptions {
  /** Share of the clips that may be damaged, in [0, 1]. */
  readonly maxBadShare?: number;
  /** Told in a line of each damaged shard and clip, once. */
  readonly tell?: (line: string) => void;
}

/**
 * Counts the damaged clips of a dataset. Each is named once; above a share of all clips the work stops. Who meets one
 * notes it here, and goes on without it.
 */
export class DamageWatch {
  private readonly dir: string;
  private readonly numClips: number;
  private readonly maxBadShare: number;
  private readonly tell: (line: string) => void;
  private readonly noted = new Set<number>();

  constructor(
    dir: string,
    numClips: number,
    { maxBadShare = maxBadShareSchema.parse(undefined), tell }: DamageOptions,
  ) {
    this.dir = dir;
    this.numClips = numClips;
    this.maxBadShare = maxBadShare;
    this.tell = tell ?? (() => undefined);
  }

  /** Different clips that were found damaged. */
  get numDamaged(): number {
    return this.noted.size;
  }

  /** Whether a clip was noted. */
  has(index: number): boolean {
    return this.noted.has(index);
  }

  /** Notes a damaged clip. @throws UserError when there are too many. */
  note({ entry, message }: DamagedRow): void {
    if (this.noted.has(entry.index)) return;
    this.noted.add(entry.index);
    this.tell(`${this.dir}/${message}; it is left out, the ${ordinal(this.noted.size)} of ${this.numClips} clips`);
    if (this.noted.size <= this.maxBadShare * this.numClips) return;
    throw new UserError(this.dir, {
      expected: `at most ${+(100 * this.maxBadShare).toFixed(3)} % of ${this.numClips} clips damaged (data.maxBadShare)`,
      got: `${this.noted.size}, the last ${message}`,
      try: `\`kinema data verify ${this.dir}\` to see all`,
    });
  }

  /** Notes a shard that is not the file it should be. */
  noteShard({ file, reason }: BadShard): void {
    this.tell(`${this.dir}/${file}: ${reason}; its clips are used where their own checksums are right`);
  }
}

/** `1st`, `2nd`, `13th`. */
function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
}
