import assert from "node:assert/strict";
import { KeyedRandom } from "../../../src/base/random.ts";
import { cutWindow, drawWindow } from "../../../src/data/augment/window.ts";

/** Two pixels a row, two rows, three frames; a pixel's bytes are its frame, row and column. */
const clip = { frames: 3, height: 2, width: 3 };
const frames_THWC = Uint8Array.from(
  [0, 1, 2].flatMap((t) => [0, 1].flatMap((h) => [0, 1, 2].flatMap((w) => [10 + t, 20 + h, 30 + w]))),
);

describe("windows of clips", () => {
  const pixels = (cut: Uint8Array) =>
    Array.from({ length: cut.length / 3 }, (_, i) => cut.subarray(3 * i, 3 * i + 3).join());

  it("cut frames, rows and columns", () => {
    const view = { stride: 1, frames: 2, height: 1, width: 2 };
    const cut = cutWindow(frames_THWC, clip, view, { start: 1, top: 1, left: 1, mirrored: false });
    assert.deepEqual(pixels(cut), ["11,21,31", "11,21,32", "12,21,31", "12,21,32"]);
  });

  it("pass frames over", () => {
    const view = { stride: 2, frames: 2, height: 1, width: 1 };
    const cut = cutWindow(frames_THWC, clip, view, { start: 0, top: 0, left: 2, mirrored: false });
    assert.deepEqual(pixels(cut), ["10,20,32", "12,20,32"]);
  });

  it("turn columns round, and keep colours", () => {
    const view = { stride: 1, frames: 1, height: 2, width: 3 };
    const cut = cutWindow(frames_THWC, clip, view, { start: 2, top: 0, left: 0, mirrored: true });
    assert.deepEqual(pixels(cut), ["12,20,32", "12,20,31", "12,20,30", "12,21,32", "12,21,31", "12,21,30"]);
  });

  it("are the clip itself when they are all of it, or its first frames where only these count", () => {
    const whole = { stride: 1, ...clip };
    const at = { start: 0, top: 0, left: 0, mirrored: false };
    assert.deepEqual(cutWindow(frames_THWC, clip, whole, at), frames_THWC);
    const still = { ...clip, frames: 1 };
    assert.deepEqual(cutWindow(frames_THWC, still, { stride: 1, ...still }, at), frames_THWC.subarray(0, 18));
  });

  it("are drawn everywhere they fit, alike often, mirrored half of the time if at all", () => {
    const large = { frames: 9, height: 6, width: 5 };
    const view = { stride: 3, frames: 2, height: 4, width: 5 };
    const count = new Map<string, number>();
    const numDraws = 6000;
    for (let i = 0; i < numDraws; i++) {
      const { start, top, left, mirrored } = drawWindow(new KeyedRandom(1, "test", i), large, view, true);
      for (const key of [`start ${start}`, `top ${top}`, `left ${left}`, `mirrored ${mirrored}`]) {
        count.set(key, (count.get(key) ?? 0) + 1);
      }
      assert.equal(drawWindow(new KeyedRandom(1, "test", i), large, view, false).mirrored, false);
    }
    // A view spans 4 frames: 6 first ones, 3 first rows, 1 column.
    const expected = new Map<string, number>([["left 0", 1]]);
    for (let i = 0; i < 6; i++) expected.set(`start ${i}`, 1 / 6);
    for (let i = 0; i < 3; i++) expected.set(`top ${i}`, 1 / 3);
    for (const mirrored of [true, false]) expected.set(`mirrored ${mirrored}`, 1 / 2);
    assert.deepEqual([...count.keys()].sort(), [...expected.keys()].sort());
    for (const [key, share] of expected) {
      // Four standard deviations.
      const room = 4 * Math.sqrt((share * (1 - share)) / numDraws);
      assert.ok(Math.abs((count.get(key) ?? 0) / numDraws - share) <= room, `${key}: ${count.get(key)}`);
    }
  });
});
