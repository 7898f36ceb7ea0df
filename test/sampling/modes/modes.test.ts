import assert from "node:assert/strict";
import { type LatentVideo, latentFrames } from "../../../src/sampling/latentVideo.ts";
import { animate } from "../../../src/sampling/modes/animate.ts";
import { connect, loop } from "../../../src/sampling/modes/connect.ts";
import { edit } from "../../../src/sampling/modes/edit.ts";
import { extendBackward, extendForward } from "../../../src/sampling/modes/extend.ts";
import { keyframes } from "../../../src/sampling/modes/keyframes.ts";
import type { ModePlan, Reach } from "../../../src/sampling/modes/modePlan.ts";
import { refuseUntrained } from "../../../src/sampling/modes/trained.ts";
import { objectiveSchema } from "../../../src/train/ditConfig.ts";
import { someLatents } from "../samplingSetting.ts";

const reach: Reach = { time: 4, window: 5, inside: true };

/**
 * Plays a plan with latents that name their frames, and tells what the frames of the result are: the k-th frame of a
 * latent is `name.index.k`. The first latent of a part decodes to its last frame alone, as the VAE has it.
 */
function frames(plan: ModePlan, named: Readonly<Record<string, LatentVideo>>, { time } = reach): string[] {
  const { grid, known = [] } = plan.request;
  const drawn = someLatents(grid.t, "drawn");
  for (const { frame, latent_hwz, until = 0 } of known) {
    if (until === 0) drawn.latent_thwz.set(latent_hwz, frame * latent_hwz.length);
  }
  const nameOf = (latent: LatentVideo): string => {
    for (const [name, video] of [...Object.entries(named), ["new", drawn] as const]) {
      for (let i = 0; i < video.grid.t; i++) {
        const one = latentFrames(video, i, i + 1).latent_thwz;
        if (one.every((value, at) => value === latent.latent_thwz[at])) return `${name}${i}`;
      }
    }
    return "?";
  };
  return plan.parts(drawn).flatMap(({ latents, shown }) => {
    const all = Array.from({ length: latents.grid.t }, (_, i) => nameOf(latentFrames(latents, i, i + 1)));
    const decoded = all.flatMap((name, i) => (i === 0 ? [name] : Array<string>(time).fill(name)));
    assert.ok(shown[0] >= 0 && shown[0] < shown[1] && shown[1] <= decoded.length, String(shown));
    return decoded.slice(...shown);
  });
}

/** `a0 a1a1a1a1` as `a0x1 a1x4`. */
function runs(list: readonly string[]): string {
  const parts: [string, number][] = [];
  for (const name of list) {
    const last = parts.at(-1);
    if (last?.[0] === name) last[1]++;
    else parts.push([name, 1]);
  }
  return parts.map(([name, count]) => `${name}x${count}`).join(" ");
}

const knownAt = ({ request }: ModePlan): number[] =>
  (request.known ?? []).filter(({ until = 0 }) => until === 0).map(({ frame }) => frame);
/** Frames that are given roughly: those that end with an image, of which nothing says how they move. */
const roughlyAt = ({ request }: ModePlan): number[] =>
  (request.known ?? []).filter(({ until = 0 }) => until > 0).map(({ frame }) => frame);
const image = someLatents(1, "image");
const a = someLatents(3, "a");
const b = someLatents(3, "b");
const prompt = "p";

describe("modes", () => {
  it("animate: the image is the first frame, the rest is drawn", () => {
    const plan = animate({ prompt, image, frames: 10 }, reach);
    assert.deepEqual([plan.request.grid.t, knownAt(plan)], [4, [0]]);
    assert.equal(runs(frames(plan, { image })), "image0x1 new1x4 new2x4 new3x4");
  });

  it("extend forward: goes on from as much of the clip as the window holds", () => {
    const plan = extendForward({ prompt, clip: a, frames: 11 }, reach);
    assert.deepEqual([plan.request.grid.t, knownAt(plan)], [5, [0, 1]]);
    assert.deepEqual(plan.request.known?.[0]?.latent_hwz, latentFrames(a, 1, 2).latent_thwz);
    assert.equal(runs(frames(plan, { a })), "a0x1 a1x4 a2x4 new2x4 new3x4 new4x3");
    const whole = extendForward({ prompt, clip: a, frames: 4 }, { ...reach, inside: false });
    assert.deepEqual([whole.request.grid.t, knownAt(whole)], [4, [0, 1, 2]]);
    const long = extendForward({ prompt, clip: a, frames: 40 }, reach);
    assert.deepEqual([long.request.grid.t, knownAt(long)], [13, [0, 1, 2]]);
  });

  it("extend backward: the clip's first frame is the last of the latent before, and comes from the clip", () => {
    const plan = extendBackward({ prompt, clip: a, frames: 8 }, reach);
    assert.deepEqual([plan.request.grid.t, knownAt(plan), roughlyAt(plan)], [5, [3, 4], [2]]);
    assert.deepEqual(plan.request.known?.[0]?.latent_hwz, latentFrames(a, 0, 1).latent_thwz);
    assert.deepEqual(plan.request.known?.[1]?.latent_hwz, latentFrames(a, 1, 2).latent_thwz);
    assert.equal(runs(frames(plan, { a })), "new0x1 new1x4 new2x3 a0x1 a1x4 a2x4");
    const some = extendBackward({ prompt, clip: a, frames: 6 }, reach);
    assert.equal(runs(frames(some, { a })), "new1x3 new2x3 a0x1 a1x4 a2x4");
    const toImage = extendBackward({ prompt, clip: image, frames: 9 }, reach);
    assert.equal(runs(frames(toImage, { image })), "new0x1 new1x4 new2x4 image0x1");
    assert.throws(
      () => extendBackward({ prompt, clip: a, frames: 16 }, reach),
      /at most 5 latent frames.*try 4 frames/s,
    );
  });

  it("connect: leads from the end of one clip to the beginning of the other", () => {
    const plan = connect({ prompt, from: a, to: b, frames: 3 }, reach);
    assert.deepEqual([plan.request.grid.t, knownAt(plan), roughlyAt(plan)], [5, [0, 1, 3, 4], [2]]);
    assert.equal(runs(frames(plan, { a, b })), "a0x1 a1x4 a2x4 new2x3 b0x1 b1x4 b2x4");
    const pictures = connect({ prompt, from: image, to: b, frames: 10 }, reach);
    assert.deepEqual([pictures.request.grid.t, knownAt(pictures)], [5, [0, 4]]);
    assert.equal(runs(frames(pictures, { image, b })), "image0x1 new1x4 new2x4 new3x3 b0x1 b1x4 b2x4");
    const other = someLatents(1, "wide", { w: 6 });
    assert.throws(
      () => connect({ prompt, from: a, to: other, frames: 4 }, reach),
      /clips of one size, 4x4 latent cells, got 1x4x6/,
    );
    assert.throws(() => connect({ prompt, from: a, to: b, frames: 16 }, reach), /at most 5 latent frames at once/);
  });

  it("loop: leads from the clip's end to its beginning, which comes next when it is played again", () => {
    const plan = loop({ prompt, clip: a, frames: 7 }, reach);
    assert.deepEqual([plan.request.grid.t, knownAt(plan), roughlyAt(plan)], [5, [0, 1, 4], [3]]);
    assert.equal(runs(frames(plan, { a })), "a0x1 a1x4 a2x4 new2x4 new3x3");
  });

  it("edit: starts from the clip", () => {
    const plan = edit({ prompt, clip: a, strength: 0.4 }, reach);
    assert.deepEqual(plan.request, { prompt, grid: a.grid, edit: { from: a, strength: 0.4 } });
    assert.equal(runs(frames(plan, {})), "new0x1 new1x4 new2x4");
  });

  it("keyframes: each image is shown at its time, from its own latent", () => {
    const c = someLatents(1, "c");
    const given = [
      { frame: 12, image: c },
      { frame: 0, image },
    ];
    const plan = keyframes({ prompt, keyframes: given, frames: 17 }, reach);
    // The first frame is a latent of its own; a later image is given as one that stands still, which the clip does not.
    assert.deepEqual([plan.request.grid.t, knownAt(plan), roughlyAt(plan)], [5, [0], [3]]);
    assert.equal(runs(frames(plan, { image, c })), "image0x1 new1x4 new2x4 new3x3 c0x1 new4x4");
    const refused = (change: object, message: RegExp) =>
      assert.throws(() => keyframes({ prompt, keyframes: given, frames: 17, ...change }, reach), message);
    refused({ frames: 30 }, /at most 5 latent frames/);
    refused({ frames: 12 }, /expected frames from 0 to 11, got 12/);
    refused({ keyframes: [...given, { frame: 9, image }] }, /frames that lie 4 or more apart, got 9 and 12/);
    refused({ keyframes: [] }, /at least one image/);
  });

  it("with a latent for every frame nothing overlaps and nothing is rounded", () => {
    const every: Reach = { ...reach, time: 1 };
    const back = extendBackward({ prompt, clip: a, frames: 2 }, every);
    assert.deepEqual(knownAt(back), [2, 3, 4]);
    assert.equal(runs(frames(back, { a }, every)), "new0x1 new1x1 a0x1 a1x1 a2x1");
    const joined = connect({ prompt, from: a, to: b, frames: 2 }, every);
    assert.equal(runs(frames(joined, { a, b }, every)), "a0x1 a1x1 a2x1 new2x1 new3x1 b0x1 b1x1 b2x1");
  });

  it("a model that knows no windows from inside a clip is not given the end of one", () => {
    const plain = { ...reach, inside: false };
    assert.throws(
      () => extendForward({ prompt, clip: a, frames: 12 }, plain),
      /at most 2 latent frames.*not trained on windows/,
    );
    assert.throws(() => loop({ prompt, clip: a, frames: 7 }, plain), /got 3; try a shorter clip/);
  });

  it("a mode that the model was not trained for is refused in one line", () => {
    const { conditioning } = objectiveSchema.parse({ conditioning: { first: 0.3 } });
    refuseUntrained("animate", conditioning);
    refuseUntrained("extend forward", conditioning);
    refuseUntrained("edit", objectiveSchema.parse({}).conditioning);
    assert.throws(
      () => refuseUntrained("loop", conditioning),
      /^UserError: loop: expected a model trained with a share of objective.conditioning.both, got one trained without; try/,
    );
  });
});
