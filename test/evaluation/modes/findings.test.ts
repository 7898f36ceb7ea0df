import assert from "node:assert/strict";
import { editedScene } from "../../../src/cli/stages/modes/editedScene.ts";
import { returningWorld, stillWorld, windowWorld } from "../../../src/cli/stages/windowWorld.ts";
import { type WorldPrompt, worldOf, worldPrompts } from "../../../src/cli/stages/worldPrompts.ts";
import { loadRecipe } from "../../../src/config/recipe.ts";
import type { Video } from "../../../src/data/media/video.ts";
import { renderScene } from "../../../src/data/shapes/raster.ts";
import type { Scene, SceneObject } from "../../../src/data/shapes/scene.ts";
import { type ShapesConfig, shapesSchema } from "../../../src/data/shapes/world.ts";
import { caseLayout } from "../../../src/evaluation/modes/caseLayout.ts";
import { type Findings, findingsOf } from "../../../src/evaluation/modes/findings.ts";
import { MEASURED_MODES, type MeasuredMode, type ModeCase } from "../../../src/evaluation/modes/modeCase.ts";
import { type ModeFigures, reportMode } from "../../../src/evaluation/modes/modeReport.ts";
import { recipeSchema } from "../../../src/registry.ts";
import type { Reach } from "../../../src/sampling/modes/modePlan.ts";

/** True clips of each mode, and those that are spoiled in some way. */
const CASES = 12;
const SPOILED = 4;
const reach = { time: 4, window: 5, inside: true };
const config = shapesSchema.parse({
  shapes: ["circle", "square", "triangle"],
  motions: ["left", "right", "up", "down", "circle"],
  backgrounds: ["dark", "grey"],
  occlusions: 0.5,
  buckets: [
    { frames: 1, height: 32, width: 32 },
    { frames: 17, height: 32, width: 32 },
    { frames: 33, height: 32, width: 48 },
  ],
});
const world = windowWorld(config, () => reach) ?? assert.fail();
/** What `configs/shapes-modes.yaml` learns: longer windows, in which circling objects go slowly. */
const recipeReach = { time: 4, window: 11, inside: true };
const recipeConfig = worldOf(loadRecipe("configs/shapes-modes.yaml", [], recipeSchema).value.data) ?? assert.fail();
const recipeWorld = windowWorld(recipeConfig, () => recipeReach) ?? assert.fail();

/** A world, and how far a model of it sees. */
interface Seen {
  readonly world: ShapesConfig;
  readonly reach: Reach;
}
const plain: Seen = { world, reach };

/** Frames `first` to `end - 1` of a clip. */
function part({ frames_THWC, frames }: Video, first: number, end: number): Uint8Array {
  const size = frames_THWC.length / frames;
  return frames_THWC.slice(first * size, end * size);
}

/** A case of a mode whose true clip is known: what is given is the clip itself, as a VAE without loss would have it. */
function caseOf(
  mode: MeasuredMode,
  { scene, clip }: WorldPrompt,
  index: number,
  { world, reach } = plain,
): { wanted: ModeCase; truth: Video } {
  const layout = caseLayout(mode, reach);
  const change = mode === "edit" ? editedScene(world, scene, index, 1) : undefined;
  const shown = change === undefined ? clip : { ...clip, frames_THWC: renderScene(change.scene) };
  const frames = layout.frames - (layout.loops ? 1 : 0);
  return {
    wanted: {
      mode,
      scene: change?.scene ?? scene,
      given:
        change === undefined
          ? layout.given.map(([first, end]) => ({ first, frames_THWC: part(clip, first, end) }))
          : [],
      seams: layout.seams,
      loops: layout.loops,
      ...(change !== undefined && { edited: { source: clip, attribute: change.attribute } }),
    },
    truth: { ...shown, frames, frames_THWC: part(shown, 0, frames) },
  };
}

/** What is found in true clips of a mode after `spoil` had its way with them. */
function report(mode: MeasuredMode, spoil?: (truth: Video, wanted: ModeCase) => Video, seen = plain): ModeFigures {
  const { world } = seen;
  const scenes = mode === "loop" ? returningWorld(world) : mode === "image" ? stillWorld(world) : world;
  const cases = worldPrompts(scenes, "seen", spoil === undefined ? CASES : SPOILED, 0).map((prompt, i) =>
    caseOf(mode, prompt, i, seen),
  );
  const findings = cases.map(({ wanted, truth }): Findings => findingsOf(wanted, spoil?.(truth, wanted) ?? truth));
  return reportMode(
    cases.map(({ wanted }) => wanted),
    findings,
  );
}

/** The clip with its object moved by some pixels to the right from a frame on, as far as there is room. */
function shifted(truth: Video, from: number, pixels: number): Video {
  const frames_THWC = truth.frames_THWC.slice();
  const { height, width } = truth;
  for (let row = from * height; row < truth.frames * height; row++) {
    const line = truth.frames_THWC.subarray(row * width * 3, (row + 1) * width * 3);
    frames_THWC.set(line.subarray(0, (width - pixels) * 3), (row * width + pixels) * 3);
    frames_THWC.set(line.subarray(0, pixels * 3), row * width * 3);
  }
  return { ...truth, frames_THWC };
}

function repainted(truth: Video, scene: Scene, changes: Partial<SceneObject>): Video {
  const objects = scene.objects.map((object) => ({ ...object, ...changes }));
  return { ...truth, frames_THWC: renderScene({ ...scene, objects }).slice(0, truth.frames_THWC.length) };
}

describe("measures of modes", function () {
  this.timeout(60_000);

  for (const mode of MEASURED_MODES) {
    it(`find nothing wrong with true clips: ${mode}`, () => {
      const { adherence, context, seams, loops, arrives, edits } = report(mode);
      assert.equal(adherence.n, CASES);
      for (const name of ["all", "colour", "shape"] as const)
        assert.ok(adherence[name] >= 0.95, `${name} ${adherence[name]}`);
      for (const [name, found] of Object.entries({
        kept: context?.kept,
        smooth: seams?.smooth,
        loops,
        arrives,
        ...edits,
      })) {
        assert.ok(found === undefined || found.mean === 1, `${name} ${found?.mean}`);
      }
      assert.equal(context !== undefined, !["text", "image", "edit"].includes(mode));
      assert.equal(seams !== undefined, context !== undefined);
      assert.deepEqual(
        [loops !== undefined, arrives !== undefined, edits !== undefined],
        ["loop", "connect", "edit"].map((name) => mode === name),
      );
    });
  }

  it("find every seam of the recipe's true clips smooth, and every loop closed", () => {
    for (const mode of MEASURED_MODES) {
      const { adherence, seams, loops, arrives } = report(mode, undefined, { world: recipeWorld, reach: recipeReach });
      assert.equal(adherence.colour, 1, mode);
      for (const found of [seams?.smooth, loops, arrives]) assert.equal(found?.mean ?? 1, 1, mode);
      assert.ok((seams?.medianPixels ?? 0) < 0.5, `${mode}: ${seams?.medianPixels}`);
    }
  });

  it("see a jump at a seam of three pixels, and not one in the middle of what was drawn", () => {
    for (const [mode, seam] of [
      ["animate", 1],
      ["extend forward", 9],
      ["extend backward", 8],
      ["connect", 5],
      ["connect", 12],
      ["keyframes", 5],
      ["keyframes", 16],
      ["loop", 9],
    ] as const) {
      const { seams } = report(mode, (truth) => shifted(truth, seam, 3));
      assert.equal(seams?.smooth.mean, 0, `${mode} at ${seam}`);
      assert.ok((seams?.medianPixels ?? 0) > 2, `${mode}: ${seams?.medianPixels}`);
    }
    assert.equal(report("animate", (truth) => shifted(truth, 8, 3)).seams?.smooth.mean, 1);
  });

  it("tell a jump that is drawn from one that the VAE makes of a true clip", () => {
    const cases = worldPrompts(world, "seen", SPOILED, 0).map((prompt, i) => caseOf("extend forward", prompt, i));
    const wanted = cases.map((one) => one.wanted);
    const [true_, jumping, further] = [0, 3, 6].map((pixels) =>
      cases.map((one) => findingsOf(one.wanted, shifted(one.truth, 9, pixels))),
    ) as [Findings[], Findings[], Findings[]];
    const asSmooth = (found: Findings[], best: Findings[]) => reportMode(wanted, found, best).seams?.asSmooth?.mean;
    assert.deepEqual(
      [asSmooth(jumping, true_), asSmooth(jumping, jumping), asSmooth(true_, jumping), asSmooth(further, jumping)],
      [0, 1, 1, 0],
    );
    assert.equal(reportMode(wanted, jumping).seams?.asSmooth, undefined);
  });

  it("see that an object is gone at a seam", () => {
    const gone = (truth: Video): Video => {
      const frames_THWC = truth.frames_THWC.slice();
      const size = frames_THWC.length / truth.frames;
      frames_THWC.fill(110, 9 * size, 11 * size);
      return { ...truth, frames_THWC };
    };
    const { seams } = report("extend forward", gone);
    assert.deepEqual([seams?.smooth.mean, seams?.medianPixels], [0, null]);
  });

  it("see given frames that are not the VAE's, even by little", () => {
    const brighter = (truth: Video, first: number, by: number): Video => {
      const size = truth.frames_THWC.length / truth.frames;
      const frames_THWC = truth.frames_THWC.map((value, i) => (i >= first * size ? Math.min(255, value + by) : value));
      return { ...truth, frames_THWC };
    };
    const kept = (by: number) => report("animate", (truth) => brighter(truth, 0, by)).context;
    // An even difference of 1 is 48.1 dB, one of 2 is 42.1 dB.
    assert.deepEqual([kept(1)?.kept.mean, kept(2)?.kept.mean], [1, 0]);
    assert.ok(Math.abs((kept(2)?.leastDb ?? 0) - 20 * Math.log10(255 / 2)) < 0.5);
    const arrives = report("connect", (truth) => brighter(truth, 12, 3));
    assert.deepEqual([arrives.arrives?.mean, arrives.context?.kept.mean], [0, 0]);
    assert.equal(report("connect", (truth) => brighter(truth, 12, 1)).arrives?.mean, 1);
  });

  it("see a loop that does not close", () => {
    const open = (truth: Video): Video => {
      const size = truth.frames_THWC.length / truth.frames;
      const half = truth.frames_THWC.slice(0, truth.frames_THWC.length / 2);
      const frames_THWC = truth.frames_THWC.slice();
      // Each frame of the first half twice: the clip ends half-way round.
      for (let i = 0; i < truth.frames; i++) {
        const from = Math.floor(i / 2) * size;
        frames_THWC.set(half.subarray(from, from + size), i * size);
      }
      return { ...truth, frames_THWC };
    };
    assert.equal(report("loop", open).loops?.mean, 0);
  });

  it("see edits that change nothing, and those that lose the place", () => {
    const nothing = report("edit", (_, { edited }) => edited?.source ?? assert.fail());
    assert.deepEqual([nothing.edits?.changed.mean, nothing.edits?.inPlace.mean], [0, 1]);
    assert.ok((nothing.adherence.all ?? 1) === 0);
    const away = report("edit", (truth) => shifted(truth, 0, 4)).edits;
    assert.deepEqual([away?.inPlace.mean, away?.alwaysInPlace.mean], [0, 0]);
    const late = report("edit", (truth) => shifted(truth, 13, 4)).edits;
    assert.deepEqual([late?.inPlace.mean, late?.alwaysInPlace.mean], [1, 0]);
    const other = report("edit", (truth, { scene }) => repainted(truth, scene, { motion: "still" }));
    assert.equal(other.edits?.changed.mean, 1);
  });
});
