import { readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { UserError } from "../../../src/base/errors.ts";
import { decoderFor, openDecoders } from "../../../src/data/ingest/openDecoders.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

const fixtures = fileURLToPath(new URL("../../data/fixtures", import.meta.url));
const files = ["bars.mp4", "bars.gif", "bars.webp", "bars.mkv", "bars.avi", "bars.webm"];
const timeoutMs = 5000;
const maxBytes = 2 ** 26;

/** Videos, decoded in a process of their own: its death is a refusal, ours is not. */
export async function openMedia(scratch: string): Promise<FuzzTarget> {
  const decoders = await openDecoders("auto", timeoutMs);
  const inputs = files
    .filter((file) => decoderFor(decoders, file) !== undefined)
    .map((file) => mutations([readFileSync(join(fixtures, file))], ["mdat", "moov", "\0\0\0\0", "\x7f\xff\xff\xff"]));
  return {
    name: "media",
    runs: 300,
    slice: 6,
    maxMs: 4 * timeoutMs,
    inputs: fc.oneof(...inputs),
    read: async (bytes) => {
      const path = join(scratch, `video${endingOf(bytes)}`);
      writeFileSync(path, bytes);
      const request = { path, fps: 8, maxBytes, maxPixels: 4096, multiple: 16 };
      const { frames, height, width, frames_THWC } = await (decoderFor(decoders, path) as (typeof decoders)[number])
        .decode(request)
        .catch((error: unknown) => {
          throw new UserError("video", { expected: "a video", got: String(error) });
        });
      if (frames_THWC.length !== frames * height * width * 3) throw new Error("another size than it says");
    },
    close: async () => {
      await Promise.all(decoders.map((decoder) => decoder.close()));
    },
  };
}

/** By the first bytes, which most changes leave alone. */
function endingOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  const known = [
    ["GIF8", ".gif"],
    ["WEBP", ".webp"],
    ["\x1aE", ".mkv"],
    ["RIFF", ".avi"],
  ] as const;
  return known.find(([mark]) => start.includes(mark))?.[1] ?? extname("bars.mp4");
}
