import type { Video } from "../data/media/video.ts";

/**
 * How much a clip flickers: mean |x(t-1) - 2 x(t) + x(t+1)| over all values, as a share of the full range, so that what
 * moves evenly counts little and what comes and goes counts much. Undefined for clips of fewer than three frames.
 * To be read against the same figure of real clips.
 */
export function flicker({ frames_THWC, frames }: Video): number | undefined {
  if (frames < 3) return undefined;
  const size = frames_THWC.length / frames;
  let sum = 0;
  for (let i = size; i < frames_THWC.length - size; i++) {
    const [before, here, after] = [frames_THWC[i - size], frames_THWC[i], frames_THWC[i + size]] as number[];
    sum += Math.abs((before as number) - 2 * (here as number) + (after as number));
  }
  return sum / (size * (frames - 2)) / 255;
}
