import sharp from "sharp";
import { CHANNELS } from "../clip.ts";
import { type DecodedVideo, type DecodeRequest, joinFrames, tooLong } from "./decoder.ts";
import { chooseSize, type Size } from "./geometry.ts";

/** How long a frame is shown when the file says nothing, or nearly nothing, as browsers do. */
const DEFAULT_DELAY_MS = 100;
const LEAST_DELAY_MS = 11;
/** Pixels of all frames before scaling: they are in memory at once. */
const MAX_STORED_PIXELS = 2 ** 28;

/** Decodes an animated GIF or WebP, or a picture, with sharp; a single picture is one frame. @throws Error with the reason when it cannot be opened. */
export async function decodeWithSharp(request: DecodeRequest): Promise<DecodedVideo> {
  const image = sharp(request.path, { animated: true, limitInputPixels: MAX_STORED_PIXELS, failOn: "warning" });
  const metadata = await image.metadata().catch((error: unknown) => {
    throw new Error(`cannot be opened: ${oneLine(error)}`);
  });
  const pages = metadata.pages ?? 1;
  const { data: pixels, info } = await (pages === 1 ? image.autoOrient() : image)
    .flatten({ background: "black" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw new Error(`cannot be decoded: ${oneLine(error)}`);
    });
  const picture: Size = { width: info.width, height: info.height / pages };
  const pageBytes = picture.width * picture.height * CHANNELS;
  const size = chooseSize(picture, request);
  const shown = pages === 1 ? [0] : nearestPages(delaysOf(metadata.delay, pages), request.fps);
  const bytes = shown.length * size.width * size.height * CHANNELS;
  if (bytes > request.maxBytes) throw tooLong(request.maxBytes);
  const scaled = new Map<number, Uint8Array>();
  for (const page of new Set(shown)) {
    scaled.set(page, await scale(pixels.subarray(page * pageBytes, (page + 1) * pageBytes), picture, size));
  }
  return joinFrames(
    shown.map((page) => scaled.get(page) as Uint8Array),
    size,
    [],
  );
}

/** Scales a picture until it covers `size` and crops what stands over. */
async function scale(pixels_HWC: Uint8Array, picture: Size, size: Size): Promise<Uint8Array> {
  const raw = { width: picture.width, height: picture.height, channels: CHANNELS } as const;
  const scaled = sharp(pixels_HWC, { raw }).resize(size.width, size.height, { fit: "cover", kernel: "linear" });
  return new Uint8Array(await scaled.raw().toBuffer());
}

function delaysOf(delays: readonly number[] | undefined, pages: number): number[] {
  return Array.from({ length: pages }, (_, page) => {
    const delay = delays?.[page] ?? 0;
    return delay < LEAST_DELAY_MS ? DEFAULT_DELAY_MS : delay;
  });
}

/** The page that is on show at each tick of a steady rate: the last one whose start, rounded to a tick, is not after it. */
function nearestPages(delaysMs: readonly number[], fps: number): number[] {
  const ticks: number[] = [];
  let startMs = 0;
  delaysMs.forEach((delay, page) => {
    startMs += delay;
    const end = Math.round((startMs * fps) / 1000);
    while (ticks.length < end) ticks.push(page);
  });
  return ticks.length > 0 ? ticks : [0];
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, "; ");
}
