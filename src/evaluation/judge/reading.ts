import type { Colour, Form, Motion, Size } from "../../data/shapes/grammar.ts";

/** A value and how sure the judge is of it, in [0, 1]: 0 when another value is as likely. */
export interface Guess<T> {
  readonly value: T;
  readonly confidence: number;
}

/** One object as the judge sees it. */
export interface ObjectReading {
  readonly colour: Guess<Colour>;
  readonly form: Guess<Form>;
  /** Undefined for an image. */
  readonly motion: Guess<Motion> | undefined;
  readonly size: Guess<Size>;
  /** Mean centre over the clip, in pixels. */
  readonly x: number;
  readonly y: number;
  /**
   * For an object that goes out of sight and comes back: whether form and size are then the same. Undefined when it was
   * never out of sight.
   */
  readonly keepsIdentity: Guess<boolean> | undefined;
}

/** What the judge sees in a clip. Objects are sorted by the area they cover, largest first. */
export interface Reading {
  readonly count: Guess<number>;
  readonly objects: readonly ObjectReading[];
}
