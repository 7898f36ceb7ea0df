import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { matrix } from "../../src/base/eigen.ts";
import { KeyedRandom } from "../../src/base/random.ts";
import { bootstrapMean } from "../../src/evaluation/bootstrap.ts";
import { frechetDistance, frechetThumbnailDistance, LEAST_CLIPS, momentsOf } from "../../src/evaluation/frechet.ts";
import { ssim } from "../../src/evaluation/ssim.ts";
import { flicker } from "../../src/evaluation/steadiness.ts";

describe("bootstrapMean", () => {
  it("gives the interval that the normal approximation gives for many values", () => {
    const random = new KeyedRandom(1, "test");
    const values = Array.from({ length: 400 }, () => Number(random.uniform() < 0.3));
    const { mean, ci95, n } = bootstrapMean(values);
    assert.equal(n, 400);
    assert.ok(Math.abs(mean - values.filter((value) => value === 1).length / 400) < 1e-12);
    const half = 1.96 * Math.sqrt((mean * (1 - mean)) / 400);
    assert.ok(Math.abs(ci95[0] - (mean - half)) < 0.01 && Math.abs(ci95[1] - (mean + half)) < 0.01, String(ci95));
    assert.deepEqual(bootstrapMean(values), bootstrapMean([...values]));
  });

  it("knows no spread where there is none", () => {
    assert.deepEqual(bootstrapMean([1, 1, 1]), { mean: 1, ci95: [1, 1], n: 3 });
  });
});

describe("ssim", () => {
  it("is what PyTorch's pooling gives, and 1 for equal clips", () => {
    const golden = JSON.parse(readFileSync(new URL("../goldens/ssim.json", import.meta.url), "utf8"));
    const [frames, height, width] = golden.shape;
    const [a, b] = [Uint8Array.from(golden.a), Uint8Array.from(golden.b)];
    assert.ok(Math.abs(ssim(a, b, { frames, height, width }) - golden.ssim) < 1e-9);
    assert.ok(Math.abs(ssim(a, a, { frames, height, width }) - 1) < 1e-12);
  });

  it("takes frames smaller than a window", () => {
    const [a, b] = [Uint8Array.from({ length: 12 }, (_, i) => 20 * i), new Uint8Array(12).fill(110)];
    const value = ssim(a, b, { frames: 1, height: 2, width: 2 });
    assert.ok(value > -1 && value < 0.2, String(value));
  });
});

describe("frechetDistance", () => {
  it("is the closed form of two normal distributions with diagonal covariances", () => {
    const diagonal = (values: readonly number[]) => {
      const square = matrix(values.length, values.length);
      for (const [i, value] of values.entries()) square.data[i * values.length + i] = value;
      return square;
    };
    const a = { mean: Float64Array.of(0, 1, 2), covariance: diagonal([1, 4, 9]) };
    const b = { mean: Float64Array.of(3, 1, 0), covariance: diagonal([16, 4, 1]) };
    // |m1 - m2|^2 = 13, and the squared differences of the deviations: 9 + 0 + 4.
    assert.ok(Math.abs(frechetDistance(a, b) - 26) < 1e-9);
    assert.ok(frechetDistance(a, a) < 1e-9);
  });

  it("does not change when both are turned", () => {
    const points = (seed: number) =>
      Array.from({ length: 50 }, (_, i) => Array.from(new KeyedRandom(seed, "p", i).fillNormal(new Float32Array(2))));
    const [cos, sin] = [Math.cos(0.7), Math.sin(0.7)];
    const turned = (all: number[][]) => all.map(([x = 0, y = 0]) => [cos * x - sin * y, sin * x + cos * y]);
    const stretched = points(2).map(([x = 0, y = 0]) => [2 * x + 1, y]);
    const straight = frechetDistance(momentsOf(points(1)), momentsOf(stretched));
    const after = frechetDistance(momentsOf(turned(points(1))), momentsOf(turned(stretched)));
    assert.ok(Math.abs(straight - after) < 1e-6 * straight && straight > 0.5);
  });
});

describe("frechetThumbnailDistance", () => {
  const clips = (seed: number, brightness: number) =>
    Array.from({ length: LEAST_CLIPS }, (_, i) => {
      const random = new KeyedRandom(seed, "clip", i);
      const frames_THWC = Uint8Array.from({ length: 4 * 8 * 8 * 3 }, () => brightness + random.int(60));
      return { frames_THWC, frames: 4, height: 8, width: 8, fps: 8 };
    });

  it("is nothing for the same clips, and grows with what differs", () => {
    const reference = clips(1, 60);
    assert.ok(frechetThumbnailDistance(reference, reference) < 1e-3);
    const [alike, other] = [clips(2, 60), clips(2, 90)].map((set) => frechetThumbnailDistance(reference, set));
    assert.ok((alike ?? 0) < (other ?? 0), `${alike} < ${other}`);
  });

  it("refuses too few clips", () => {
    assert.throws(() => frechetThumbnailDistance(clips(1, 60), clips(2, 60).slice(1)), /clips on each side/);
  });
});

describe("flicker", () => {
  const clip = (brightness: readonly number[]) => ({
    frames_THWC: Uint8Array.from(brightness.flatMap((value) => Array<number>(12).fill(value))),
    frames: brightness.length,
    height: 2,
    width: 2,
    fps: 8,
  });

  it("is nothing for what changes evenly, and all for what blinks", () => {
    assert.equal(flicker(clip([10, 20, 30, 40])), 0);
    assert.equal(flicker(clip([0, 255, 0])), 2);
    assert.equal(flicker(clip([0, 51, 51])), 51 / 255);
    assert.equal(flicker(clip([0, 255])), undefined);
  });
});
