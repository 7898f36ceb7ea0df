import assert from "node:assert/strict";
import fc from "fast-check";
import { barWorld, returningWorld, windowWorld } from "../../../src/cli/stages/windowWorld.ts";
import { worldPrompts } from "../../../src/cli/stages/worldPrompts.ts";
import type { Video } from "../../../src/data/media/video.ts";
import { renderScene } from "../../../src/data/shapes/raster.ts";
import type { Scene, SceneObject } from "../../../src/data/shapes/scene.ts";
import { shapesSchema } from "../../../src/data/shapes/world.ts";
import { type LongReport, longFindings, reportLong } from "../../../src/evaluation/long/longFindings.ts";
import { occlusionsIn } from "../../../src/evaluation/occlusions.ts";
import { windowsIn } from "../../../src/evaluation/windows.ts";

const WINDOW = 17;
const CLIPS = 6;
const config = shapesSchema.parse({
  shapes: ["circle", "square", "triangle"],
  motions: ["left", "up", "circle"],
  occlusions: 0.1,
  buckets: [{ frames: 33, height: 32, width: 32 }],
});
const world = windowWorld(config, () => ({ time: 4, window: 5, inside: true })) ?? assert.fail();

/** True clips joined one after the other. */
function joined(scenes: readonly Scene[]): Video {
  const parts = scenes.map((scene) => ({ ...scene, frames_THWC: renderScene(scene) }));
  const frames_THWC = new Uint8Array(parts.flatMap((part) => [...part.frames_THWC]));
  const { height, width, fps } = parts[0] ?? assert.fail();
  return { frames_THWC, frames: parts.reduce((sum, { frames }) => sum + frames, 0), height, width, fps };
}

function changed(scene: Scene, changes: Partial<SceneObject>): Scene {
  return { ...scene, objects: scene.objects.map((object) => ({ ...object, ...changes })) };
}

describe("windows of a long clip", () => {
  it("are as many as fit without overlap, from the first frame to the last", () => {
    const natural = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(fc.nat(50), natural, natural, (first, frames, length) => {
        const starts = windowsIn(first, first + frames, length);
        assert.equal(starts.length, Math.floor(frames / length));
        if (starts.length > 0) assert.equal(starts[0], first);
        if (starts.length > 1) assert.equal(starts.at(-1), first + frames - length);
        for (const [i, start] of starts.slice(1).entries()) assert.ok(start >= (starts[i] as number) + length);
      }),
    );
  });
});

describe("measures of long clips", function () {
  this.timeout(60_000);
  const scenes = worldPrompts(returningWorld(world), "seen", CLIPS, 0).map(({ scene }) => scene);

  /** What is found in clips of four rounds each. */
  function report(roundsOf: (scene: Scene) => readonly Scene[]): LongReport {
    const spans = { window: WINDOW, begin: 2 * WINDOW, end: 2 * WINDOW };
    return reportLong(
      scenes,
      scenes.map((scene) => longFindings(joined(roundsOf(scene)), spans)),
    );
  }

  it("find nothing wrong with true clips that go on and on", () => {
    const { begin, end, colourKept } = report((scene) => [scene, scene, scene, scene]);
    assert.deepEqual([begin.n, end.n, colourKept.mean], [2 * CLIPS, 2 * CLIPS, 1]);
    for (const name of ["all", "colour", "shape", "motion"] as const)
      assert.deepEqual([begin[name], end[name]], [1, 1]);
  });

  it("read circling in every window of long clips whose laps fit into one, and not in those of slower laps", () => {
    const circling = (settings: object): LongReport => {
      const buckets = [{ frames: 65, height: 32, width: 32 }];
      const long = shapesSchema.parse({ ...config, motions: ["circle"], occlusions: 0, buckets, ...settings });
      const prompts = worldPrompts(long, "seen", CLIPS, 0);
      const spans = { window: WINDOW, begin: WINDOW, end: 2 * WINDOW };
      return reportLong(
        prompts.map(({ scene }) => scene),
        prompts.map(({ clip }) => longFindings(clip, spans)),
      );
    };
    const [even, slow] = [circling({ lapSeconds: (WINDOW - 1) / 8 }), circling({})];
    assert.deepEqual([even.begin.motion, even.end.motion, slow.begin.motion, slow.end.motion], [1, 1, 0, 0]);
  });

  it("see what was lost on the way, and tell it from what never was", () => {
    const other = (scene: Scene) => changed(scene, { colour: scene.objects[0]?.colour === "red" ? "blue" : "red" });
    const late = report((scene) => [scene, scene, other(scene), other(scene)]);
    assert.deepEqual([late.begin.colour, late.end.colour, late.end.shape, late.colourKept.mean], [1, 0, 1, 0]);
    const middle = report((scene) => [scene, other(scene), scene, scene]);
    assert.deepEqual([middle.end.colour, middle.colourKept.mean], [1, 0]);
    const always = report((scene) => [other(scene), other(scene), other(scene), other(scene)]);
    assert.deepEqual([always.begin.colour, always.colourKept.mean], [0, 1]);
    const gone = report((scene) => [scene, scene, scene, { ...scene, objects: [] }]);
    assert.deepEqual([gone.end.all, gone.colourKept.mean], [0.5, 0]);
  });

  it("follow an object each time that it passes behind something", () => {
    const behind = worldPrompts(barWorld(world, config) ?? assert.fail(), "seen", CLIPS, 0).map(({ scene }) => scene);
    for (const scene of behind) {
      assert.ok(scene.bar !== undefined);
      assert.deepEqual(occlusionsIn(joined([scene]), WINDOW), [true]);
      const back = changed(scene, {});
      assert.deepEqual(occlusionsIn(joined([scene, back]), WINDOW), [true, true]);
      const as = (form: "circle" | "square") => {
        const [one, two] = [renderScene(scene), renderScene(changed(scene, { form }))];
        const half = (Math.floor(scene.frames / 2) * one.length) / scene.frames;
        const frames_THWC = one.slice();
        frames_THWC.set(two.subarray(half), half);
        return { ...scene, frames_THWC };
      };
      const other = scene.objects[0]?.form === "circle" ? "square" : "circle";
      assert.deepEqual(occlusionsIn(as(other), WINDOW), [false]);
    }
    assert.deepEqual(occlusionsIn(joined(scenes.slice(0, 1)), WINDOW), [], "nothing hides it");
    assert.equal(barWorld(world, { ...config, occlusions: 0 }), undefined);
  });
});
