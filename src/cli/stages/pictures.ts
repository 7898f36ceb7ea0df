import fs from "node:fs/promises";
import { writeContactSheet } from "../../data/media/picture.ts";
import type { Video } from "../../data/media/video.ts";
import type { Reconstruction } from "../../evaluation/reconstruction.ts";
import type { ClipRequest } from "../../sampling/samplingConfig.ts";
import type { SamplePicture } from "./runReporter.ts";

/** Clips of these sides or smaller are enlarged in pictures. */
const SMALL_SIDE = 96;

/** The factor by which clips of this many pixels a side are enlarged to be looked at. */
export function upscaleFor(side: number): number {
  return Math.max(1, Math.floor(SMALL_SIDE / side));
}

/** A row for each clip: the originals' frames above their reconstructions'. */
export function reconstructionSheet(path: string, clips: readonly Reconstruction[]): Promise<SamplePicture> {
  const videos = clips.flatMap(({ entry, original, decoded }) =>
    [original, decoded].map((frames_THWC) => ({ ...entry, frames_THWC })),
  );
  return sheet("reconstructions", path, videos);
}

/** A row for each clip drawn. */
export function clipsSheet(
  path: string,
  requests: readonly ClipRequest[],
  clips: readonly Uint8Array[],
): Promise<SamplePicture> {
  const videos = requests.map((request, i) => ({ ...request, fps: 1, frames_THWC: clips[i] as Uint8Array }));
  return videosSheet(path, videos);
}

/** A row for each video. */
export function videosSheet(path: string, videos: readonly Video[]): Promise<SamplePicture> {
  return sheet("samples", path, videos);
}

async function sheet(tag: string, path: string, videos: readonly Video[]): Promise<SamplePicture> {
  const upscale = upscaleFor(Math.max(...videos.map(({ height, width }) => Math.max(height, width))));
  await writeContactSheet(path, videos, { upscale });
  const bytes = await fs.readFile(path);
  // A PNG's header holds width and height as big-endian words at bytes 16 and 20.
  return { tag, bytes, width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}
