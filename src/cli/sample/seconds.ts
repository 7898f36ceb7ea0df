import { UserError } from "../../base/errors.ts";

/** A time or length as people write it: `3.5` or `3.5s`. @throws UserError when it is something else. */
export function parseSeconds(where: string, text: string, least = 0): number {
  const [, digits] = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*s?\s*$/.exec(text) ?? [];
  const seconds = Number(digits);
  if (digits !== undefined && seconds >= least && Number.isFinite(seconds)) return seconds;
  const expected = least > 0 ? "seconds, more than 0, such as 2 or 3.5s" : "seconds, such as 2 or 3.5s";
  throw new UserError(where, { expected, got: JSON.stringify(text) });
}

/** Frames that a stretch of seconds takes, at least one. */
export function framesIn(seconds: number, fps: number): number {
  return Math.max(1, Math.round(seconds * fps));
}
