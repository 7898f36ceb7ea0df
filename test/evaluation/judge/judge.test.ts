import assert from "node:assert/strict";
import { captionOf } from "../../../src/data/shapes/caption.ts";
import type { Place } from "../../../src/data/shapes/path.ts";
import { renderScene } from "../../../src/data/shapes/raster.ts";
import type { Scene, SceneObject } from "../../../src/data/shapes/scene.ts";
import { ShapesWorld } from "../../../src/data/shapes/shapesWorld.ts";
import { shapesSchema } from "../../../src/data/shapes/world.ts";
import { type Adherence, adherence } from "../../../src/evaluation/judge/adherence.ts";
import { judgeClip } from "../../../src/evaluation/judge/judge.ts";
import type { Reading } from "../../../src/evaluation/judge/reading.ts";

/** Clips of each world that are judged; JUDGE_CLIPS=500 judges 2,000 in all. */
const CLIPS = Number(process.env.JUDGE_CLIPS ?? 50);

const backgrounds = ["dark", "grey", "light", "gradient", "patterned"];
const worlds: Readonly<Record<string, object>> = {
  "one object": { backgrounds },
  "told sizes": { backgrounds, sizes: ["small", "big"] },
  "two objects": { backgrounds, sizes: ["small", "big"], pairs: 1 },
  bars: { backgrounds, occlusions: 1, motions: ["left", "right", "up", "down"] },
};

function worldOf(settings: object): ShapesWorld {
  return new ShapesWorld(shapesSchema.parse(settings));
}

function judged(scene: Scene): Reading {
  return judgeClip({ ...scene, frames_THWC: renderScene(scene) });
}

/** A scene of one big object that can be changed at will. */
function sceneWith(changes: Partial<SceneObject>, more: Partial<Scene> = {}): Scene {
  const at = (x: number, y: number): Place => ({ x, y, radius: 8, turn: 0 });
  const path = { motion: "right", first: at(9, 16), last: at(39, 16) } as const;
  const object: SceneObject = { colour: "red", form: "square", size: "big", motion: "right", path, ...changes };
  const ground = { background: "dark", slope: 0, cell: 4, shift: 0 } as const;
  const scene: Scene = {
    ...{ frames: 9, height: 32, width: 48, fps: 8 },
    ...{ ground, objects: [object], relation: undefined, bar: undefined },
  };
  return { ...scene, ...more };
}

/** What of `wanted` the clip of `shown` is judged not to hold. */
function missed(wanted: Scene, shown: Scene): string[] {
  return Object.entries(adherence(wanted, judged(shown))).flatMap(([name, holds]) => (holds === false ? [name] : []));
}

function shares(scenes: readonly Scene[], readings: readonly Reading[]): Map<keyof Adherence, number> {
  const sums = new Map<keyof Adherence, [number, number]>();
  scenes.forEach((scene, i) => {
    const found = adherence(scene, readings[i] ?? assert.fail());
    for (const [name, holds] of Object.entries(found) as [keyof Adherence, boolean | undefined][]) {
      if (holds === undefined) continue;
      const [right, all] = sums.get(name) ?? [0, 0];
      sums.set(name, [right + Number(holds), all + 1]);
    }
  });
  return new Map([...sums].map(([name, [right, all]]) => [name, right / all]));
}

describe("the judge of the shapes world", () => {
  for (const [name, settings] of Object.entries(worlds)) {
    it(`agrees with the caption of what was drawn, and not with another clip's: ${name}`, () => {
      const world = worldOf(settings);
      const scenes = Array.from({ length: CLIPS }, (_, i) => world.scene(i));
      const readings = scenes.map(judged);
      const right = shares(scenes, readings);
      for (const [attribute, share] of right) {
        const wrong = scenes.filter((scene, i) => adherence(scene, readings[i] ?? assert.fail())[attribute] === false);
        assert.ok(share >= 0.995, `${attribute} ${share}: ${wrong.map((scene) => captionOf(scene)).join("; ")}`);
      }
      const shuffled = shares(scenes, [...readings.slice(7), ...readings.slice(0, 7)]);
      // Chance for both of two objects is the square of that for one; a margin for these few clips.
      const margin = 3 * Math.sqrt(0.25 / CLIPS);
      const power = name === "two objects" ? 2 : 1;
      assert.ok((shuffled.get("colour") ?? 1) < (1 / 7) ** power + margin, `colour ${shuffled.get("colour")}`);
      assert.ok((shuffled.get("shape") ?? 1) < (1 / 5) ** power + margin, `shape ${shuffled.get("shape")}`);
      assert.ok((shuffled.get("motion") ?? 1) < (name === "bars" ? 1 / 4 : 1 / 8) + margin);
      assert.ok((shuffled.get("all") ?? 1) < 0.05, `all ${shuffled.get("all")}`);
    });
  }

  it("catches a wrong clip of each kind, and names what is wrong", () => {
    const wanted = sceneWith({});
    const [object] = wanted.objects as [SceneObject];
    const still: Place = { x: 24, y: 16, radius: 8, turn: 0 };
    const doing = (motion: SceneObject["motion"], first: Place, last: Place) =>
      sceneWith({ motion, path: { motion, first, last } });
    assert.deepEqual(missed(wanted, wanted), []);
    assert.deepEqual(missed(wanted, sceneWith({ colour: "orange" })), ["colour", "all"]);
    assert.deepEqual(missed(wanted, sceneWith({ form: "circle" })), ["shape", "all"]);
    const small = {
      ...object.path,
      first: { ...object.path.first, radius: 4.5 },
      last: { ...object.path.last, radius: 4.5 },
    };
    assert.deepEqual(missed(wanted, sceneWith({ path: small })), ["size", "all"]);
    for (const shown of [
      doing("still", still, still),
      doing("left", object.path.last, object.path.first),
      doing("bounce", { ...still, y: 9 }, { ...still, y: 23 }),
      doing("circle", { ...still, y: 9 }, still),
      doing("grow", { ...still, radius: 6 }, { ...still, radius: 11 }),
      doing("spin", still, { ...still, turn: 4 }),
      doing("downRight", { ...still, x: 9, y: 9 }, { ...still, x: 23, y: 23 }),
    ]) {
      assert.deepEqual(missed(wanted, shown), ["motion", "all"], captionOf(shown));
    }
    const corner = { x: 6, y: 28, radius: 3.5, turn: 0 };
    const second: SceneObject = { ...object, colour: "cyan", path: { motion: "still", first: corner, last: corner } };
    assert.deepEqual(missed(wanted, sceneWith({}, { objects: [object, second] })), ["count", "all"]);
    assert.ok(missed(wanted, sceneWith({}, { objects: [] })).includes("count"));
  });

  it("catches two objects that changed places or looks", () => {
    const lane = (y: number): SceneObject["path"] => {
      const place = { x: 24, y, radius: 6, turn: 0 };
      return { motion: "still", first: place, last: place };
    };
    const scene = (upper: Partial<SceneObject>, lower: Partial<SceneObject>) => {
      const [one] = sceneWith({ size: undefined, motion: "still", path: lane(8), ...upper }).objects as [SceneObject];
      const [two] = sceneWith({
        size: undefined,
        motion: "still",
        colour: "blue",
        form: "star",
        path: lane(24),
        ...lower,
      }).objects as [SceneObject];
      return sceneWith({}, { objects: [one, two], relation: "above" });
    };
    const wanted = scene({}, {});
    assert.deepEqual(missed(wanted, wanted), []);
    assert.deepEqual(missed(wanted, scene({ path: lane(24) }, { path: lane(8) })), ["relation", "all"]);
    assert.deepEqual(missed(wanted, scene({ form: "star" }, { form: "square" })), ["shape", "all"]);
    assert.deepEqual(missed(wanted, scene({ colour: "green" }, {})), ["colour", "all"]);
  });

  it("catches an object that comes out from behind the bar as another", () => {
    const at = (x: number): Place => ({ x, y: 16, radius: 5, turn: 0 });
    const path = { motion: "right", first: at(6), last: at(42) } as const;
    const bar = { left: 15, top: 0, width: 18, height: 32 };
    const wanted = sceneWith({ path, size: undefined }, { bar });
    assert.deepEqual(missed(wanted, wanted), []);
    const halves = (after: Partial<SceneObject>): Reading => {
      const [before, then] = [renderScene(wanted), renderScene(sceneWith({ path, ...after }, { bar }))];
      const from = Math.floor(before.length / 9) * 5;
      return judgeClip({
        ...wanted,
        frames_THWC: new Uint8Array([...before.subarray(0, from), ...then.subarray(from)]),
      });
    };
    const grown = { ...path, first: { ...at(6), radius: 8 }, last: { ...at(42), radius: 8 } };
    assert.equal(adherence(wanted, halves({})).identity, true);
    assert.equal(adherence(wanted, halves({ form: "circle" })).identity, false);
    assert.equal(adherence(wanted, halves({ colour: "blue" })).identity, false);
    assert.equal(adherence(wanted, halves({ path: grown })).identity, false);
    assert.equal(adherence(wanted, judged(sceneWith({ path }))).identity, false, "never out of sight");
  });

  it("is sure of sharp clips, less so of blurred ones, and finds nothing in noise", () => {
    const scene = sceneWith({});
    const sharp = judged(scene).objects[0] ?? assert.fail();
    const blurred = judgeClip({ ...scene, frames_THWC: blur(renderScene(scene), scene) }).objects[0] ?? assert.fail();
    assert.equal(blurred.form.value, "square");
    assert.ok(blurred.form.confidence < sharp.form.confidence);
    assert.ok(sharp.form.confidence > 0.5 && (sharp.motion?.confidence ?? 0) > 0.5);
    const grey = Uint8Array.from({ length: 9 * 32 * 48 * 3 }, (_, i) => 100 + ((i * 7919) % 23));
    assert.deepEqual(judgeClip({ ...scene, frames_THWC: grey }).count.value, 0);
  });
});

/** Means over 3 x 3 pixels, twice. */
function blur(video: Uint8Array, scene: Scene, times = 2): Uint8Array {
  if (times === 0) return video;
  const { height, width } = scene;
  const out = video.map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width) % height];
    let [sum, n] = [0, 0];
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
        sum += video[i + (dy * width + dx) * 3] ?? 0;
        n++;
      }
    }
    return Math.round(sum / n);
  });
  return blur(out, scene, times - 1);
}
