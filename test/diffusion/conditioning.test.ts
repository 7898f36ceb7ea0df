import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import { drawClipNoise, ofFrames } from "../../src/diffusion/clipNoise.ts";
import {
  type ConditioningConfig,
  conditioningSchema,
  drawConditioning,
  meanDrawnFrames,
  PATTERNS,
} from "../../src/diffusion/conditioning.ts";
import { timeSamplingSchema } from "../../src/diffusion/timeSampling.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { RowLayout } from "../../src/models/patches/rowLayout.ts";
import { assertClose } from "../nn/numeric.ts";

const DRAWS = 4000;
const mixed = conditioningSchema.parse({ first: 0.2, last: 0.1, both: 0.15, keyframes: 0.2, independent: 0.25 });

function draws(shares: ConditioningConfig, numFrames: number) {
  return Array.from({ length: DRAWS }, (_, i) =>
    drawConditioning(shares, numFrames, new KeyedRandom(1, "test.given", i)),
  );
}

const only = (pattern: (typeof PATTERNS)[number]) => draws({ ...conditioningSchema.parse({}), [pattern]: 1 }, 5);

describe("conditioning", () => {
  it("gives each pattern its share of the clips, the rest to text alone", () => {
    const drawn = draws(mixed, 5);
    for (const pattern of [...PATTERNS, "none"] as const) {
      const wanted = pattern === "none" ? 0.1 : mixed[pattern];
      const got = drawn.filter((clip) => clip.pattern === pattern).length / DRAWS;
      // Four standard deviations.
      assert.ok(Math.abs(got - wanted) < 4 * Math.sqrt((wanted * (1 - wanted)) / DRAWS), `${pattern}: ${got}`);
    }
  });

  it("gives the frames that a pattern names, every number of them, and leaves at least one to draw", () => {
    const seen = (pattern: (typeof PATTERNS)[number]) =>
      [...new Set(only(pattern).map(({ known }) => known.join("")))].sort();
    assert.deepEqual(seen("first"), ["10000", "11000", "11100", "11110"]);
    assert.deepEqual(seen("last"), ["00001", "00011", "00111", "01111"]);
    assert.deepEqual(seen("both"), ["10001", "10011", "10111", "11001", "11011", "11101"]);
    assert.equal(seen("keyframes").length, 2 ** 5 - 2);
    assert.deepEqual(seen("independent"), ["00000", "10000", "11000", "11100", "11110"]);
  });

  it("knows how many frames are drawn on average", () => {
    for (const numFrames of [1, 2, 3, 6]) {
      const counts = draws(mixed, numFrames).map(({ known }) => known.filter((given) => given === 0).length);
      const mean = counts.reduce((a, b) => a + b, 0) / DRAWS;
      const expected = meanDrawnFrames(mixed, numFrames);
      const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / DRAWS;
      assert.ok(Math.abs(mean - expected) <= 4 * Math.sqrt(variance / DRAWS), `${mean}, not ${expected}`);
    }
  });

  it("takes an image for text alone, and two frames with both ends for the first", () => {
    assert.ok(draws(mixed, 1).every(({ pattern, known }) => pattern === "none" && known[0] === 0));
    const two = draws(mixed, 2);
    assert.ok(two.every(({ pattern }) => pattern !== "both"));
    assert.ok(two.every(({ known }) => known.includes(0)));
  });

  it("is of the clip alone: the same key, the same frames", () => {
    assert.deepEqual(draws(mixed, 4), draws(mixed, 4));
  });

  it("refuses shares that leave less than a twentieth of the clips to text alone", () => {
    assert.equal(conditioningSchema.safeParse({ first: 0.5, independent: 0.45 }).success, true);
    const { error } = conditioningSchema.safeParse({ first: 0.5, independent: 0.46 });
    assert.match(error?.issues[0]?.message ?? "", /at least 0.05 of the clips to text alone/);
  });
});

describe("noise of a clip", () => {
  const time = timeSamplingSchema.parse({});
  const grid = { t: 4, h: 2, w: 2 };
  const noiseOf = (conditioning: object, key: number) =>
    drawClipNoise({ time, conditioning: { ...conditioningSchema.parse({}), ...conditioning } }, grid, {
      time: new KeyedRandom(1, "time", key),
      given: new KeyedRandom(1, "given", key),
    });

  it("is clean where frames are given, and one time or a time for each elsewhere", () => {
    for (let key = 0; key < 50; key++) {
      const one = noiseOf({ keyframes: 1 }, key);
      const drawn = new Set(one.times.filter((_, i) => one.known[i] === 0));
      assert.equal(drawn.size, 1);
      assert.ok(one.times.every((t, i) => (one.known[i] === 1 ? t === 0 : t > 0 && t < 1)));
      const many = noiseOf({ independent: 1 }, key);
      const times = many.times.filter((_, i) => many.known[i] === 0);
      assert.equal(new Set(times).size, times.length);
      // Text alone: the clip's one time is the first that is drawn, whatever the shares of others.
      assert.equal(noiseOf({}, key).times[0], noiseOf({}, key).times[3]);
      assert.equal(noiseOf({}, key).times[0], [...drawn][0]);
    }
  });

  it("lies in the clip's own frames of a pack, with 0 where no clip is", () => {
    const pack = new PackPlan([
      { t: 3, h: 2, w: 2 },
      { t: 1, h: 2, w: 3 },
    ]);
    assertClose(ofFrames(pack, [0.5, 0.25]), [0.5, 0.5, 0.5, 0.25], 0);
    assertClose(ofFrames(pack, [[0, 0.5, 0.75], [0.25]]), [0, 0.5, 0.75, 0.25], 0);
    const rows = new RowLayout({ rows: 2, tokens: 12, frames: 3, clips: 2, stripSize: 2, side: 3 });
    const placed = rows.place([[{ t: 1, h: 2, w: 3 }], [{ t: 3, h: 2, w: 2 }]]);
    assertClose(ofFrames(placed, [0.5, [0.25, 0, 0.25]]), [0.5, 0, 0, 0, 0.25, 0, 0.25, 0], 0);
  });
});
