import sharp from "sharp";
import { assert } from "../../base/errors.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { CHANNELS } from "../clip.ts";
import { evenNumbers } from "./framePicker.ts";
import { checkVideo, enlarge, type Video } from "./video.ts";

/** Pixels between pictures. */
const GAP = 2;
const GAP_GREY = 255;
/** Frames of a long clip that a contact sheet shows. */
const FRAMES_IN_SHEET = 9;

export interface PictureOptions {
  /** Whole factor by which every pixel is enlarged. */
  readonly upscale?: number;
}

/** Writes a PNG with all frames of a video side by side. */
export async function writeStrip(path: string, video: Video, { upscale = 1 }: PictureOptions = {}): Promise<void> {
  await writeSheet(path, [framesOf(video)], upscale);
}

/** Writes a PNG of a clip of one frame. */
export async function writePicture(path: string, video: Video, options: PictureOptions = {}): Promise<void> {
  assert(video.frames === 1, "a picture is one frame");
  await writeStrip(path, video, options);
}

/** Writes a PNG with a row for each video: its frames side by side, evenly chosen where there are many. */
export async function writeContactSheet(
  path: string,
  videos: readonly Video[],
  { upscale = 1 }: PictureOptions = {},
): Promise<void> {
  await writeSheet(
    path,
    videos.map((video) => evenly(framesOf(video))),
    upscale,
  );
}

function evenly(pictures: readonly Picture[]): Picture[] {
  return evenNumbers(pictures.length, FRAMES_IN_SHEET).map((t) => pictures[t] as Picture);
}

/** One picture: `H W C` bytes of RGB. */
interface Picture {
  readonly height: number;
  readonly width: number;
  readonly pixels_HWC: Uint8Array;
}

async function writeSheet(path: string, rows: readonly (readonly Picture[])[], upscale: number): Promise<void> {
  assert(rows.length > 0, "a sheet has pictures");
  const large = rows.map((row) => row.map((picture) => enlarged(picture, upscale)));
  const width = Math.max(...large.map((row) => row.reduce((sum, picture) => sum + picture.width + GAP, -GAP)));
  const heights = large.map((row) => Math.max(...row.map((picture) => picture.height)));
  const height = heights.reduce((sum, side) => sum + side + GAP, -GAP);
  const sheet = new Uint8Array(height * width * CHANNELS).fill(GAP_GREY);
  let top = 0;
  large.forEach((row, r) => {
    let left = 0;
    for (const picture of row) {
      paste(sheet, width, picture, top, left);
      left += picture.width + GAP;
    }
    top += (heights[r] as number) + GAP;
  });
  await writeFileAtomic(
    path,
    await sharp(sheet, { raw: { width, height, channels: CHANNELS } })
      .png()
      .toBuffer(),
  );
}

function framesOf(video: Video): Picture[] {
  checkVideo("picture", video);
  const { frames_THWC, frames, height, width } = video;
  const bytes = height * width * CHANNELS;
  return Array.from({ length: frames }, (_, t) => ({
    height,
    width,
    pixels_HWC: frames_THWC.subarray(t * bytes, (t + 1) * bytes),
  }));
}

function enlarged({ height, width, pixels_HWC }: Picture, factor: number): Picture {
  const large = enlarge({ frames: 1, height, width, frames_THWC: pixels_HWC, fps: 1 }, factor);
  return { height: large.height, width: large.width, pixels_HWC: large.frames_THWC };
}

function paste(sheet: Uint8Array, sheetWidth: number, picture: Picture, top: number, left: number): void {
  const rowBytes = picture.width * CHANNELS;
  for (let y = 0; y < picture.height; y++) {
    const row = picture.pixels_HWC.subarray(y * rowBytes, (y + 1) * rowBytes);
    sheet.set(row, ((top + y) * sheetWidth + left) * CHANNELS);
  }
}
