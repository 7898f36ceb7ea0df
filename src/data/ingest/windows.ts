/** A piece of a video: first frame and number of frames. */
export interface Window {
  readonly start: number;
  readonly frames: number;
}

export interface WindowRule {
  /** Windows at most. */
  readonly windows: number;
  /** Frames of a window at most. */
  readonly maxFrames: number;
  /** Windows have 1 + k times this many frames. */
  readonly timeFactor: number;
}

/**
 * Pieces of a video of `total` frames: each as long as the rule and the video allow, evenly spaced from its beginning to
 * its end without overlap. A single one is taken from the middle.
 */
export function cutWindows(total: number, { windows, maxFrames, timeFactor }: WindowRule): Window[] {
  const longest = Math.min(total, maxFrames);
  const frames = 1 + timeFactor * Math.floor((longest - 1) / timeFactor);
  const count = Math.max(1, Math.min(windows, Math.floor(total / frames)));
  const room = total - frames;
  if (count === 1) return [{ start: Math.floor(room / 2), frames }];
  return Array.from({ length: count }, (_, i) => ({ start: Math.round((i * room) / (count - 1)), frames }));
}
