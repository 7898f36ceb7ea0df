import type { JsonValue } from "../../base/json.ts";

/** A video or picture to take in. */
export interface SourceItem {
  /** For people and the manifest: `sub/a.mp4`, `train.parquet row 17 (a.mp4)`. */
  readonly name: string;
  readonly caption: string | undefined;
  /** A file, the bytes of one, or why there is neither. */
  readonly content: { readonly path: string } | { readonly bytes: Uint8Array } | { readonly reason: string };
  /** How many of the source's items this one stands for: more than 1 where many cannot be read at all. Default: 1. */
  readonly count?: number;
}

/** Where videos and their captions come from. */
export interface VideoSource {
  /** What the user gave, to name in errors. */
  readonly where: string;
  /** Items in all. */
  readonly total: number;
  /** What tells this source from another. A build that was killed goes on only when it is the same. */
  readonly identity: JsonValue;
  /** The items in their order, from number `from` on. */
  items(from: number): AsyncIterable<SourceItem>;
  /** What was named and is not there. */
  readonly missing: readonly { readonly file: string; readonly reason: string }[];
}
