import assert from "node:assert/strict";
import { type IntentOptions, parseWish } from "../../../src/cli/sample/intent.ts";

const video = ["a.mp4"];
const videos = ["a.mp4", "b.webm"];

describe("what kinema sample is asked for", () => {
  for (const [options, intent] of [
    [{}, { mode: "text" }],
    [{ prompt: ["a"], frames: 1 }, { mode: "text" }],
    [{ image: "dir.v1/a.PNG" }, { mode: "animate", image: "dir.v1/a.PNG" }],
    [
      { video, extend: ["forward", "2"] },
      { mode: "extend forward", video: "a.mp4", seconds: 2 },
    ],
    [
      { video, extend: ["backward", ".5s"] },
      { mode: "extend backward", video: "a.mp4", seconds: 0.5 },
    ],
    [{ loop: true }, { mode: "loop", video: undefined }],
    [
      { video, loop: true, seconds: "3" },
      { mode: "loop", video: "a.mp4" },
    ],
    [
      { video: videos, connect: "1.5" },
      { mode: "connect", from: "a.mp4", to: "b.webm", seconds: 1.5 },
    ],
    [
      { video, edit: 0.6, prompt: ["b"] },
      { mode: "edit", video: "a.mp4", strength: 0.6 },
    ],
    [
      { keyframes: "a.png@0, b@2x.jpg@3.5s" },
      {
        mode: "keyframes",
        keyframes: [
          { file: "a.png", seconds: 0 },
          { file: "b@2x.jpg", seconds: 3.5 },
        ],
      },
    ],
  ] as [IntentOptions, object][]) {
    it(`reads ${JSON.stringify(options)}`, () => assert.deepEqual(parseWish(options).intent, intent));
  }

  it("takes prompts for clips of their own, or with times for one clip", () => {
    assert.deepEqual(parseWish({}).prompts, { kind: "clips", prompts: [""] });
    assert.deepEqual(parseWish({ prompt: ["a", "b"] }).prompts, { kind: "clips", prompts: ["a", "b"] });
    assert.deepEqual(parseWish({ prompt: ["0: a: red", "20s: b"], seconds: "60" }), {
      intent: { mode: "text" },
      length: { seconds: 60 },
      prompts: {
        kind: "timeline",
        timeline: [
          { seconds: 0, prompt: "a: red" },
          { seconds: 20, prompt: "b" },
        ],
      },
    });
  });

  for (const [options, complaint] of [
    [{ image: "a.mp4" }, /^--image: expected a picture \(jpg, jpeg, png, webp\), got the video a\.mp4$/],
    [{ image: "a.txt" }, /^--image: expected a picture .*, got "a\.txt"$/],
    [{ image: ["a.png", "b.png"] }, /^--image: expected one file, got 2 of them$/],
    [{ image: "a.png", loop: true }, /^--image --loop: expected one of the two, got both$/],
    [{ image: "a.png", video }, /^--video: expected no --image, and --extend, --loop, --connect or --edit beside it/],
    [{ video }, /^--video: expected --extend, --loop, --connect or --edit beside it, got none of them$/],
    [{ video: ["a.png"], loop: true }, /^--video: expected a video .*, got the picture a\.png; try --image FILE$/],
    [{ extend: ["forward", "2"] }, /^--extend: expected --video FILE beside it, once, got none$/],
    [{ video: videos, extend: ["forward", "2"] }, /^--extend: expected --video FILE beside it, once, got 2 of them$/],
    [{ video, extend: ["sideways", "2"] }, /^--extend: expected forward or backward, .* got "sideways 2"$/],
    [{ video, extend: ["forward", "0"] }, /^--extend: expected seconds, more than 0, .* got "0"$/],
    [{ video, extend: ["forward", "2", "backward", "1"] }, /^--extend: expected forward or backward, once/],
    [{ video, extend: ["forward", "2"], seconds: "9" }, /^--seconds: expected none with --extend, which says how much/],
    [{ video: videos, loop: true }, /^--loop: expected --video FILE beside it, once, got 2 of them$/],
    [{ video, connect: "1" }, /^--connect: expected --video FILE beside it twice: from and to, got 1 of them$/],
    [{ video: videos, connect: "soon" }, /^--connect: expected seconds, .* got "soon"$/],
    [{ video: videos, connect: "1", frames: 9 }, /^--frames: expected none with --connect, which says how much/],
    [{ video, edit: 1.5, prompt: ["b"] }, /^--edit: expected one strength from 0 .* to 1 .*, got 1\.5$/],
    [{ video, edit: 0.5 }, /^--edit: expected --prompt TEXT beside it: what the clip shall show, got none$/],
    [{ edit: 0.5, prompt: ["b"] }, /^--edit: expected --video FILE beside it, once, got none$/],
    [
      { video, edit: 0.5, prompt: ["b"], seconds: "2" },
      /^--seconds: expected none with --edit, whose result is as long/,
    ],
    [{ keyframes: "a.png" }, /^--keyframes: expected pictures and times, as in a\.png@0,b\.png@3\.5s, got "a\.png"$/],
    [{ keyframes: "a.png@0,b.mp4@1" }, /^--keyframes: expected a picture .*, got the video b\.mp4$/],
    [{ keyframes: "a.png@1,b.png@1s" }, /^--keyframes: expected each picture at a time of its own, got two at 1s$/],
    [{ keyframes: "a.png@x" }, /^--keyframes: expected seconds, such as 2 or 3\.5s, got "x"$/],
    [{ frames: 9, seconds: "2" }, /^--frames --seconds: expected one of the two, got both$/],
    [{ seconds: "-2" }, /^--seconds: expected seconds, more than 0, .* got "-2"$/],
    [
      { prompt: ["0: a", "b"] },
      /^--prompt: expected a time before every prompt or before none, .* got "0: a" and "b"$/,
    ],
    [{ prompt: ["1s: a"] }, /^--prompt: expected times from 0 on, each later than the one before, got 1s$/],
    [{ prompt: ["0: a", "5: b", "5s: c"] }, /^--prompt: expected times from 0 on, .* got 0s, 5s, 5s$/],
    [{ prompt: ["0: a", "5: b"], loop: true }, /^--prompt: expected one prompt with --loop, got several with times$/],
  ] as [IntentOptions, RegExp][]) {
    it(`refuses ${JSON.stringify(options)}`, () => assert.throws(() => parseWish(options), { message: complaint }));
  }
});
