import assert from "node:assert/strict";
import { join } from "node:path";
import { deadKeys } from "../../../src/config/effect.ts";
import { openDataset } from "../../../src/data/dataset.ts";
import { buildShapes, shapesClip } from "../../../src/data/shapes/build.ts";
import { captionOf } from "../../../src/data/shapes/caption.ts";
import { combinations, isHeldOutTriple } from "../../../src/data/shapes/combinations.ts";
import { forms } from "../../../src/data/shapes/forms.ts";
import { colours, FORMS, type Form, grounds, MOTIONS, type Motion, motions } from "../../../src/data/shapes/grammar.ts";
import type { Place } from "../../../src/data/shapes/path.ts";
import { renderScene } from "../../../src/data/shapes/raster.ts";
import { placeInFrame, type Scene } from "../../../src/data/shapes/scene.ts";
import { ShapesWorld } from "../../../src/data/shapes/shapesWorld.ts";
import { shapesSchema } from "../../../src/data/shapes/world.ts";
import { scratchFolder } from "../scratch.ts";

const config = shapesSchema.parse({});
const world = new ShapesWorld(config);

function worldOf(settings: object): ShapesWorld {
  return new ShapesWorld(shapesSchema.parse(settings));
}

/** A frame's object as seen: area in pixels and centre, from how far pixels are from the background towards the colour. */
function seen(scene: Scene, frames_THWC: Uint8Array, t: number): { area: number; x: number; y: number } {
  const [back] = grounds[scene.ground.background];
  const front = colours[scene.objects[0]?.colour ?? assert.fail()];
  const norm = front.reduce((sum, value, c) => sum + (value - (back[c] as number)) ** 2, 0);
  let [area, sumX, sumY] = [0, 0, 0];
  for (let row = 0; row < scene.height; row++) {
    for (let column = 0; column < scene.width; column++) {
      const at = ((t * scene.height + row) * scene.width + column) * 3;
      const cover =
        front.reduce((sum, value, c) => {
          const under = back[c] as number;
          return sum + ((frames_THWC[at + c] as number) - under) * (value - under);
        }, 0) / norm;
      area += cover;
      sumX += cover * (column + 0.5);
      sumY += cover * (row + 0.5);
    }
  }
  return { area, x: sumX / area, y: sumY / area };
}

/** A still image of one red form. */
function sceneOf(form: Form, place: Place): Scene {
  const path = { motion: "still", first: place, last: place } as const;
  const object = { colour: "red", form, size: undefined, motion: "still", path } as const;
  const ground = { background: "dark", slope: 0, cell: 4, shift: 0 } as const;
  return { frames: 1, height: 48, width: 48, fps: 8, ground, objects: [object], relation: undefined, bar: undefined };
}

function extent(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/** Area of a form of radius 1, counted on a fine grid. */
function areaOf(form: Form): number {
  const steps = 400;
  let inside = 0;
  for (let i = 0; i < steps * steps; i++) {
    const x = ((i % steps) + 0.5) / (steps / 2.2) - 1.1;
    const y = (Math.floor(i / steps) + 0.5) / (steps / 2.2) - 1.1;
    if (forms[form](x, y) < 0) inside += 1;
  }
  return inside * (2.2 / steps) ** 2;
}

describe("shapes world", () => {
  const scratch = scratchFolder();

  it("makes clip i from seed and i alone, to the byte", () => {
    const other = worldOf({ clips: 7 });
    for (const index of [0, 3, 500]) assert.deepEqual(shapesClip(other, index), shapesClip(world, index));
    assert.notDeepEqual(shapesClip(worldOf({ seed: 2 }), 3), shapesClip(world, 3));
  });

  it("draws areas known from geometry, whatever the turn", () => {
    const known: Partial<Record<Form, number>> = { circle: Math.PI, square: (2 * 0.88) ** 2 };
    known.triangle = (3 * Math.sqrt(3)) / 4;
    known.ring = Math.PI * (1 - 0.48 ** 2);
    known.star = 5 * 0.45 * Math.sin(Math.PI / 5);
    for (const form of FORMS) {
      const exact = known[form] ?? assert.fail();
      assert.ok(Math.abs(areaOf(form) - exact) < 0.01 * exact, `${form}: ${areaOf(form)} for ${exact}`);
      for (const turn of [0, 0.4, 2]) {
        const place = { x: 24.3, y: 23.6, radius: 16, turn };
        const { area } = seen(sceneOf(form, place), renderScene(sceneOf(form, place)), 0);
        assert.ok(Math.abs(area - exact * 256) < 0.03 * exact * 256, `${form}: ${area} for ${exact * 256}`);
      }
    }
  });

  it("gives distances that are true near the outline: their slope is 1", () => {
    for (const form of FORMS) {
      for (let i = 0; i < 400; i++) {
        const x = Math.sin(i * 12.9898) * 1.2;
        const y = Math.cos(i * 78.233) * 1.2;
        const step = 1e-5;
        const slopeX = (forms[form](x + step, y) - forms[form](x - step, y)) / (2 * step);
        const slopeY = (forms[form](x, y + step) - forms[form](x, y - step)) / (2 * step);
        const slope = Math.hypot(slopeX, slopeY);
        // On the ridges, where two outlines are equally near, there is no slope.
        if (Math.abs(slope - 1) > 1e-3)
          assert.ok(Math.abs(forms[form](x, y)) > 0.05, `${form} at ${x}, ${y}: ${slope}`);
      }
    }
  });

  it("moves as the caption says, smoothly below a pixel, and stays inside the frame", () => {
    const seenMotions = new Set<Motion>();
    for (let index = 0; index < 500; index++) {
      const scene = world.scene(index);
      if (scene.frames === 1) continue;
      const caption = captionOf(scene);
      const { motion } = scene.objects[0] ?? assert.fail();
      seenMotions.add(motion);
      const frames_THWC = renderScene(scene);
      const places = Array.from({ length: scene.frames }, (_, t) => seen(scene, frames_THWC, t));
      const [first, last] = [places[0] ?? assert.fail(), places.at(-1) ?? assert.fail()];
      const { dx, dy, growth } = motions[motion];
      const [wayX, wayY] = [last.x - first.x, last.y - first.y];
      const growing = Math.log(last.area / first.area);
      assert.ok(growth === 0 ? Math.abs(growing) < 0.12 : growing * growth > 1, caption);
      if (motion === "circle" || motion === "bounce") {
        assert.ok(Math.hypot(wayX, wayY) < 0.5, caption);
        const [wide, high] = [extent(places.map(({ x }) => x)), extent(places.map(({ y }) => y))];
        assert.ok(high > 5 && (motion === "circle" ? wide > 5 : wide < 0.5), `${caption}: ${wide} x ${high}`);
      } else if (motion !== "spin") {
        const room = Math.min(dx === 0 ? scene.height : scene.width, dy === 0 ? scene.width : scene.height);
        const [alongX, alongY] = [wayX * dx > 0.3 * room, wayY * dy > 0.3 * room];
        assert.ok(dx === 0 ? Math.abs(wayX) < 0.4 : alongX, caption);
        assert.ok(dy === 0 ? Math.abs(wayY) < 0.4 : alongY, caption);
        places.forEach(({ x, y }, t) => {
          const u = t / (scene.frames - 1);
          assert.ok(Math.hypot(x - first.x - u * wayX, y - first.y - u * wayY) < 0.35, `${caption} at ${t}`);
        });
      }
    }
    assert.equal(seenMotions.size, MOTIONS.length);
  });

  it("keeps every object inside its frame", () => {
    const rich = worldOf({ pairs: 0.5, occlusions: 0.5, sizes: ["small", "big"] });
    for (let index = 0; index < 400; index++) {
      const scene = rich.scene(index);
      for (const object of scene.objects) {
        for (let t = 0; t < scene.frames; t++) {
          const { x, y, radius } = placeInFrame(object, scene, t);
          assert.ok(x - radius > -0.01 && x + radius < scene.width + 0.01, captionOf(scene));
          assert.ok(y - radius > -0.01 && y + radius < scene.height + 0.01, captionOf(scene));
        }
      }
    }
  });

  it("turns what spins by the seconds that pass, not by the frames", () => {
    const turned = (fps: number, frames: number): number => {
      const spinning = worldOf({ motions: ["spin"], fps: [fps], buckets: [{ frames, height: 32, width: 32 }] });
      return spinning.scene(0).objects[0]?.path.last.turn ?? assert.fail();
    };
    assert.ok(Math.abs(turned(8, 17) / turned(16, 33) - 34 / 33) < 1e-9);
    assert.ok(turned(8, 17) > 1.5 * turned(16, 17));
    assert.throws(() => worldOf({ motions: ["spin"], shapes: ["circle", "ring"] }), /expected a motion that these/);
  });

  it("refuses the time of a lap where nothing goes around", () => {
    const dead = (motions: Motion[]) =>
      deadKeys(shapesSchema, shapesSchema.parse({ motions, lapSeconds: 2 })).filter(
        ({ path }) => path.join() === "lapSeconds",
      );
    assert.equal(dead(["left", "up"]).length, 1);
    assert.deepEqual(dead(["left", "circle"]), []);
  });

  it("takes as long for a lap in long clips as in short ones, and ends each where it began", () => {
    const places = (frames: number, lapSeconds?: number): Place[] => {
      const buckets = [{ frames, height: 32, width: 32 }];
      const scene = worldOf({ motions: ["circle"], buckets, ...(lapSeconds !== undefined && { lapSeconds }) }).scene(0);
      return Array.from({ length: frames }, (_, t) => placeInFrame(scene.objects[0] ?? assert.fail(), scene, t));
    };
    const apart = (a?: Place, b?: Place): number => Math.hypot((a?.x ?? 0) - (b?.x ?? 0), (a?.y ?? 0) - (b?.y ?? 0));
    const step = (all: readonly Place[]): number => apart(all[0], all[1]);
    const [short, long, longest] = [17, 33, 65].map((frames) => places(frames, 2)) as [Place[], Place[], Place[]];
    for (const all of [long, longest]) assert.ok(Math.abs(step(all) - step(short)) < 1e-9);
    for (const all of [short, long, longest, places(9, 2), places(25, 2)]) assert.ok(apart(all[0], all.at(-1)) < 1e-9);
    assert.ok(apart(long[0], long[16]) < 1e-9 && apart(long[0], long[8]) > 5);
    // One lap, however long the clip is, where the world says nothing of it.
    const slow = places(33);
    assert.ok(apart(slow[0], slow[16]) > 5 && step(slow) < 0.6 * step(short));
  });

  it("puts two objects of two colours where the caption says", () => {
    const pairs = worldOf({ pairs: 1, backgrounds: ["dark", "patterned"] });
    const relations = new Set<string>();
    for (let index = 0; index < 300; index++) {
      const scene = pairs.scene(index);
      const [one, other] = scene.objects;
      if (one === undefined || other === undefined) return assert.fail("two objects");
      assert.notEqual(one.colour, other.colour);
      relations.add(scene.relation ?? assert.fail());
      for (let t = 0; t < scene.frames; t++) {
        const [a, b] = [placeInFrame(one, scene, t), placeInFrame(other, scene, t)];
        const gap = { above: b.y - a.y, below: a.y - b.y, "left of": b.x - a.x, "right of": a.x - b.x };
        assert.ok(gap[scene.relation ?? "above"] >= a.radius + b.radius - 0.01, captionOf(scene));
      }
      assert.match(captionOf(scene), new RegExp(`${one.colour} ${one.form}.*, ${scene.relation} an? ${other.colour}`));
    }
    assert.equal(relations.size, 4);
    assert.throws(
      () => worldOf({ pairs: 0.1, motions: ["circle"] }),
      /shapes.pairs: expected two colours, and motions/,
    );
  });

  it("hides what passes behind a bar, and shows it whole before and after", () => {
    const hiding = worldOf({ occlusions: 1, motions: ["left", "right", "up", "down"] });
    let numHidden = 0;
    for (let index = 0; index < 200; index++) {
      const scene = hiding.scene(index);
      const [object] = scene.objects;
      if (object === undefined || scene.bar === undefined) continue;
      numHidden++;
      assert.match(captionOf(scene), /passes behind a bar/);
      const { left, top, width, height } = scene.bar;
      const outside = Array.from({ length: scene.frames }, (_, t) => {
        const { x, y, radius } = placeInFrame(object, scene, t);
        const hidden =
          x - radius >= left && x + radius <= left + width && y - radius >= top && y + radius <= top + height;
        const whole =
          x + radius <= left || x - radius >= left + width || y + radius <= top || y - radius >= top + height;
        return hidden ? "hidden" : whole ? "whole" : "cut";
      });
      assert.ok(outside.includes("hidden"), captionOf(scene));
      assert.deepEqual([outside[0], outside.at(-1)], ["whole", "whole"], captionOf(scene));
    }
    assert.ok(numHidden > 120, String(numHidden));
  });

  it("never shows a held-out triple, and only such ones in the held-out world", () => {
    const split = shapesSchema.parse({ holdOut: 0.2, clips: 1 });
    const [train, test] = [new ShapesWorld(split), new ShapesWorld(split, "heldOut")];
    const held = (scene: Scene): boolean => isHeldOutTriple(scene.objects[0] ?? assert.fail(), 0.2);
    for (let index = 0; index < 300; index++) {
      assert.equal(held(train.scene(index)), false);
      assert.equal(held(test.scene(index)), true);
    }
    const all = combinations({ ...split, holdOut: 0 }, "seen").length;
    const out = combinations(split, "heldOut").length;
    assert.ok(Math.abs(out / all - 0.2) < 0.04, `${out} of ${all}`);
    assert.throws(() => new ShapesWorld({ ...split, holdOut: 0 }, "heldOut"), /expected triples that are held out/);
  });

  it("says one scene in many words when asked, and in one way otherwise", () => {
    const plain = worldOf({ motions: ["left"], shapes: ["circle"], colours: ["red"], backgrounds: ["dark"] });
    const free = worldOf({ ...plain.config, paraphrase: true, size: undefined });
    const captions = (of: ShapesWorld) => new Set(Array.from({ length: 120 }, (_, i) => shapesClip(of, i).caption));
    assert.deepEqual(
      captions(plain),
      new Set(["a red circle moves left on a dark background", "a red circle on a dark background"]),
    );
    const varied = captions(free);
    assert.ok(varied.size > 30, String(varied.size));
    for (const caption of varied) assert.match(caption, /red (circle|disc|ball)/);
    assert.deepEqual(shapesClip(free, 5).frames_THWC, shapesClip(plain, 5).frames_THWC);
  });

  it("says nothing of motion about an image, and writes `an orange`", () => {
    const image = worldOf({ colours: ["orange"], buckets: [{ frames: 1, height: 32, width: 32 }] });
    assert.match(shapesClip(image, 0).caption, /^an orange \w+ on a \w+ background$/);
  });

  it("draws every combination that can be seen about equally often, and none that cannot", () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 6900; index++) {
      const { ground, objects } = world.scene(index);
      const look = `${objects[0]?.colour} ${ground.background}`;
      counts.set(look, (counts.get(look) ?? 0) + 1);
    }
    assert.equal(counts.size, 23);
    assert.ok(!counts.has("white light"));
    for (const [look, count] of counts) assert.ok(Math.abs(count - 300) < 70, `${look} ${count}`);
    assert.throws(
      () => worldOf({ colours: ["white"], backgrounds: ["light"] }),
      /expected a colour that can be seen on a background, got white on light/,
    );
  });

  it("keeps to the weights of the buckets", () => {
    const weighted = worldOf({
      buckets: [
        { frames: 1, height: 16, width: 16, weight: 1 },
        { frames: 5, height: 16, width: 16, weight: 3 },
      ],
    });
    const images = Array.from({ length: 2000 }, (_, i) => weighted.scene(i)).filter(({ frames }) => frames === 1);
    assert.ok(Math.abs(images.length - 500) < 60, String(images.length));
  });

  it("refuses settings that make no clips", () => {
    const wrong = [
      { buckets: [{ frames: 4, height: 32, width: 32 }] },
      { buckets: [{ frames: 5, height: 30, width: 32 }] },
      { size: [0.5, 0.4] },
      { sizes: ["huge"] },
      { holdOut: 1 },
      { fps: [] },
      { colours: ["pink"] },
      { clips: 0 },
      { colors: ["red"] },
    ];
    for (const settings of wrong)
      assert.equal(shapesSchema.safeParse(settings).success, false, JSON.stringify(settings));
  });

  it("builds a dataset whose fingerprint is the seed's", async () => {
    const small = shapesSchema.parse({ clips: 120 });
    const once = await buildShapes(join(scratch(), "once"), small);
    const again = await buildShapes(join(scratch(), "again"), small);
    assert.equal(again.fingerprint, once.fingerprint);
    assert.equal(once.clips, 120);
    const dataset = await openDataset(join(scratch(), "once"));
    assert.deepEqual(await dataset.readFrames(57), shapesClip(new ShapesWorld(small), 57).frames_THWC);
    await dataset.close();
  });
});
