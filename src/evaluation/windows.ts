import type { Video } from "../data/media/video.ts";

/** First frames of as many windows as fit into frames `first` to `end - 1` without overlap, evenly spread over them. */
export function windowsIn(first: number, end: number, length: number): number[] {
  const count = Math.floor((end - first) / length);
  const room = end - first - length;
  if (count === 1) return [first];
  return Array.from({ length: count }, (_, i) => first + Math.floor((i * room) / (count - 1)));
}

/** Some frames of a clip as a clip of their own. */
export function windowOf(video: Video, first: number, frames: number): Video {
  const size = video.frames_THWC.length / video.frames;
  return { ...video, frames, frames_THWC: video.frames_THWC.subarray(first * size, (first + frames) * size) };
}
