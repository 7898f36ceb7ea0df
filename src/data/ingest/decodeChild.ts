/** The process in which files from outside are decoded: one that crashes or hangs takes nothing with it. */
import { loadLibav } from "../media/libav.ts";
import type { ChildReply, ChildRequest } from "./childMessages.ts";
import type { DecodedVideo } from "./decoder.ts";
import { decodeWithLibav } from "./libavDecode.ts";
import { decodeWithSharp } from "./sharpDecode.ts";

async function decode({ library, request }: ChildRequest): Promise<DecodedVideo> {
  if (library === "sharp") return decodeWithSharp(request);
  const libav = await loadLibav();
  if (libav === undefined) throw new Error("node-av cannot be loaded");
  return decodeWithLibav(libav, request);
}

async function answer(message: ChildRequest): Promise<ChildReply> {
  try {
    return { video: await decode(message) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function send(reply: ChildReply): void {
  process.send?.(reply);
}

process.on("message", (message: ChildRequest) => {
  void answer(message).then(send);
});
process.on("disconnect", () => process.exit(0));
send({ ready: true });
