import type { DecodedVideo, DecodeRequest } from "./decoder.ts";

/** Which library decodes in the child process. */
export type ChildLibrary = "node-av" | "sharp";

/** What the parent sends: one at a time. */
export interface ChildRequest {
  readonly library: ChildLibrary;
  readonly request: DecodeRequest;
}

/** What the child sends: once that it has started, then for each request frames or the reason why there are none. */
export type ChildReply = { readonly ready: true } | { readonly video: DecodedVideo } | { readonly reason: string };
