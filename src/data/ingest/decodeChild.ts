/** The process in which files from outside are decoded: one that crashes or hangs takes nothing with it. */
import { loadLibav } from "../media/libav.ts";
import type { DecodedVideo, DecodeRequest } from "./decoder.ts";
import { decodeWithLibav } from "./libavDecode.ts";
import { decodeWithSharp } from "./sharpDecode.ts";

/** Which library decodes in the child. */
export type ChildLibrary = "node-av" | "sharp";

/** What the parent sends. */
export interface ChildRequest {
  readonly library: ChildLibrary;
  readonly request: DecodeRequest;
}

/** What the child answers: frames, or the reason why there are none. */
export type ChildReply = { readonly video: DecodedVideo } | { readonly reason: string };

async function decode({ library, request }: ChildRequest): Promise<DecodedVideo> {
  if (library === "sharp") return decodeWithSharp(request);
  const libav = await loadLibav();
  if (libav === undefined) throw new Error("node-av cannot be loaded");
  // What is wrong with a file is counted and told by its name.
  libav.lib.Log.setLevel(libav.constants.AV_LOG_QUIET);
  return decodeWithLibav(libav, request);
}

async function reply(message: ChildRequest): Promise<ChildReply> {
  try {
    return { video: await decode(message) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

process.on("message", (message: ChildRequest) => {
  void reply(message).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));
