import assert from "node:assert/strict";
import { augmentSchema } from "../../../src/data/augment/augmentConfig.ts";
import { viewsOf } from "../../../src/data/augment/views.ts";

const clips = [
  { frames: 1, height: 16, width: 24, source: "photo" },
  { frames: 5, height: 16, width: 16, source: "short" },
  { frames: 17, height: 24, width: 32, source: "long" },
  { frames: 13, height: 8, width: 8, source: "small" },
];

describe("views of clips", () => {
  /** `2:9x16x16` for a view at stride 2, one list for each clip. */
  function shown(augment: object, timeFactor = 4): string[][] {
    const { views } = viewsOf(clips, augmentSchema.parse(augment), timeFactor);
    return views.map((ofClip) =>
      ofClip.map(({ stride, frames, height, width }) => `${stride}:${frames}x${height}x${width}`),
    );
  }

  it("are the clips as they are where nothing is asked for", () => {
    assert.deepEqual(shown({}), [["1:1x16x24"], ["1:5x16x16"], ["1:17x24x32"], ["1:13x8x8"]]);
    assert.deepEqual(viewsOf(clips, augmentSchema.parse({}), 4).notes, []);
  });

  it("are each stride that leaves several frames, cut to what the autoencoder takes; images have one", () => {
    // 13 frames at stride 2 are 7, of which 5 are 1 + 4; at stride 3 they are 5. 5 at stride 2 are 3: too few for 1 + 4.
    assert.deepEqual(shown({ strides: [1, 2, 3] }), [
      ["1:1x16x24"],
      ["1:5x16x16"],
      ["1:17x24x32", "2:9x24x32", "3:5x24x32"],
      ["1:13x8x8", "2:5x8x8", "3:5x8x8"],
    ]);
    assert.deepEqual(shown({ strides: [2] }, 1)[1], ["2:3x16x16"]);
  });

  it("are stretches of so many frames, where there are as many", () => {
    assert.deepEqual(shown({ frames: 9 }), [["1:1x16x24"], ["1:5x16x16"], ["1:9x24x32"], ["1:9x8x8"]]);
    // 8 frames hold 1 + 4 alone; at stride 2 the clip of 17 frames has 9, that of 13 has 5.
    assert.deepEqual(shown({ frames: 8, strides: [1, 2] }).slice(2), [
      ["1:5x24x32", "2:5x24x32"],
      ["1:5x8x8", "2:5x8x8"],
    ]);
  });

  it("are each crop that fits, at each stride", () => {
    const crops = [
      { height: 16, width: 16 },
      { height: 24, width: 16 },
    ];
    assert.deepEqual(shown({ crops, strides: [1, 4] }), [
      ["1:1x16x16"],
      ["1:5x16x16"],
      ["1:17x16x16", "1:17x24x16", "4:5x16x16", "4:5x24x16"],
      [],
    ]);
  });

  it("are told of, with number and name, where they do not fit", () => {
    const augment = augmentSchema.parse({ crops: [{ height: 16, width: 16 }], strides: [1, 4] });
    assert.deepEqual(viewsOf(clips, augment, 4).notes, [
      "augment.strides.1: 2 of 3 clips are too short for stride 4, such as short with 5x16x16",
      "augment.crops.0: 1 of 4 clips are too small for crops of 16x16, such as small with 13x8x8",
      "augment: 1 of 4 clips fit nothing and are left out, such as small with 13x8x8",
    ]);
  });

  it("are refused where one would never be shown", () => {
    const refused = (augment: object, some = clips) => {
      return () => viewsOf(some, augmentSchema.parse(augment), 4);
    };
    assert.throws(
      refused({ strides: [1, 5] }),
      /^UserError: augment\.strides\.1: expected clips for stride 5, got none: all 3 are too short; try leaving it out$/,
    );
    assert.throws(refused({ crops: [{ height: 8, width: 64 }] }), /^UserError: augment\.crops\.0: .* 8x64, got none/);
    assert.throws(refused({ strides: [2] }, clips.slice(0, 1)), /augment\.strides\.0: .* got images alone/);
    const apart = { strides: [4], crops: [{ height: 8, width: 24 }] };
    assert.throws(
      refused(apart, [
        { ...clips[1]!, width: 24 },
        { ...clips[2]!, width: 8 },
      ]),
      /^UserError: augment: expected clips that fit/,
    );
  });

  it("need each stride and size once", () => {
    for (const twice of [{ strides: [1, 2, 1] }, { crops: [0, 0].map(() => ({ height: 8, width: 8 })) }]) {
      assert.equal(augmentSchema.safeParse(twice).success, false);
    }
  });
});
