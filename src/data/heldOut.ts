import { UserError } from "../base/errors.ts";

/**
 * Whether a clip belongs to the held-out part. Decided by its content hash alone: the same clip is on the same side in
 * every dataset, and copies of a clip never fall on both sides.
 * @param fraction share of all clips that is held out, in [0, 1).
 */
export function isHeldOut(hash: string, fraction: number): boolean {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new UserError("held-out fraction", { expected: "a number in [0, 1)", got: String(fraction) });
  }
  return Number.parseInt(hash.slice(0, 12), 16) / 2 ** 48 < fraction;
}
