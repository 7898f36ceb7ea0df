import assert from "node:assert/strict";
import type { Video } from "../../src/data/media/video.ts";
import { clipDistance, nearestClip } from "../../src/evaluation/nearest.ts";

/** A clip of one colour with its left half brighter by `step`. */
function halves(colour: readonly [number, number, number], step: number, size: Partial<Video> = {}): Video {
  const shape = { frames: 5, height: 16, width: 24, fps: 8, ...size };
  const frames_THWC = new Uint8Array(shape.frames * shape.height * shape.width * 3);
  for (let i = 0; i < frames_THWC.length; i++) {
    const x = Math.floor(i / 3) % shape.width;
    frames_THWC[i] = (colour[i % 3] as number) + (x < shape.width / 2 ? step : 0);
  }
  return { ...shape, frames_THWC };
}

describe("clipDistance", () => {
  it("is 0 for a clip and the same clip at another size and length", () => {
    const clip = halves([100, 50, 20], 40);
    assert.equal(clipDistance(clip, clip), 0);
    assert.ok(clipDistance(clip, halves([100, 50, 20], 40, { frames: 1, height: 32, width: 48 })) < 1e-9);
  });

  it("adds the distance of mean colours to that of structures", () => {
    assert.ok(Math.abs(clipDistance(halves([100, 50, 20], 0), halves([110, 60, 30], 0)) - 10) < 1e-9);
    // Equal means; half the cells are 20 above them in one clip, none in the other: structure differs by 20.
    assert.ok(Math.abs(clipDistance(halves([100, 100, 100], 40), halves([120, 120, 120], 0)) - 20) < 1e-9);
  });

  it("finds the nearest of several", () => {
    const among = [halves([200, 0, 0], 0), halves([0, 200, 0], 0), halves([0, 0, 200], 50)];
    assert.equal(nearestClip(halves([10, 180, 5], 10), among).index, 1);
  });
});
