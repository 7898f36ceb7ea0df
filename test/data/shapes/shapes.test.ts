import assert from "node:assert/strict";
import { join } from "node:path";
import { openDataset } from "../../../src/data/dataset.ts";
import { buildShapes, shapesClip } from "../../../src/data/shapes/build.ts";
import { forms } from "../../../src/data/shapes/forms.ts";
import { renderScene } from "../../../src/data/shapes/raster.ts";
import { captionOf, drawScene, type Scene } from "../../../src/data/shapes/scene.ts";
import {
  backgrounds,
  colours,
  FORMS,
  type Form,
  MOTIONS,
  motions,
  shapesSchema,
} from "../../../src/data/shapes/world.ts";
import { scratchFolder } from "../scratch.ts";

const config = shapesSchema.parse({});

/** A frame's object as seen: area in pixels and centre, from how far pixels are from the background towards the colour. */
function seen(scene: Scene, frames_THWC: Uint8Array, t: number): { area: number; x: number; y: number } {
  const back = backgrounds[scene.background];
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
    const other = shapesSchema.parse({ clips: 7 });
    for (const index of [0, 3, 500]) assert.deepEqual(shapesClip(other, index), shapesClip(config, index));
    assert.notDeepEqual(shapesClip({ ...config, seed: 2 }, 3), shapesClip(config, 3));
  });

  it("draws areas known from geometry", () => {
    const known: Partial<Record<Form, number>> = { circle: Math.PI, square: (2 * 0.88) ** 2 };
    known.triangle = Math.sqrt(3) * 0.98 ** 2;
    known.ring = Math.PI * (1 - 0.48 ** 2);
    known.star = 5 * 0.45 * Math.sin(Math.PI / 5);
    for (const form of FORMS) {
      const exact = known[form] ?? assert.fail();
      assert.ok(Math.abs(areaOf(form) - exact) < 0.01 * exact, `${form}: ${areaOf(form)} for ${exact}`);
      const place = { x: 24.3, y: 23.6, radius: 16 };
      const object = { colour: "red", form, motion: "still", first: place, last: place } as const;
      const scene: Scene = { frames: 1, height: 48, width: 48, background: "dark", objects: [object] };
      const { area } = seen(scene, renderScene(scene), 0);
      assert.ok(Math.abs(area - exact * 256) < 0.03 * exact * 256, `${form}: ${area} for ${exact * 256}`);
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
    const seenMotions = new Set<string>();
    for (let index = 0; index < 300; index++) {
      const scene = drawScene(config, index);
      if (scene.frames === 1) continue;
      const { motion, form } = scene.objects[0] ?? assert.fail();
      seenMotions.add(motion);
      assert.ok(captionOf(scene).includes(`${form} ${motions[motion].phrase} on a ${scene.background} background`));
      const frames_THWC = renderScene(scene);
      const places = Array.from({ length: scene.frames }, (_, t) => seen(scene, frames_THWC, t));
      const [first, last] = [places[0] ?? assert.fail(), places.at(-1) ?? assert.fail()];
      const { dx, dy, growth } = motions[motion];
      const room = scene.width * Math.abs(dx) + scene.height * Math.abs(dy);
      const [wayX, wayY] = [last.x - first.x, last.y - first.y];
      if (dx !== 0) assert.ok(wayX * dx > 0.3 * room && Math.abs(wayY) < 0.3, captionOf(scene));
      else if (dy !== 0) assert.ok(wayY * dy > 0.3 * room && Math.abs(wayX) < 0.3, captionOf(scene));
      // A triangle's centroid lies below the middle of its height, by a share of its size.
      else assert.ok(Math.hypot(wayX, wayY) < (form === "triangle" && growth !== 0 ? 3 : 0.7), captionOf(scene));
      const growing = Math.log(last.area / first.area);
      assert.ok(growth === 0 ? Math.abs(growing) < 0.1 : growing * growth > 1, captionOf(scene));
      places.forEach(({ x, y }, t) => {
        const u = t / (scene.frames - 1);
        assert.ok(Math.hypot(x - first.x - u * wayX, y - first.y - u * wayY) < 0.35, `${captionOf(scene)} at ${t}`);
      });
    }
    assert.equal(seenMotions.size, MOTIONS.length);
  });

  it("says nothing of motion about an image, and writes `an orange`", () => {
    const image = shapesSchema.parse({ colours: ["orange"], buckets: [{ frames: 1, height: 32, width: 32 }] });
    assert.match(shapesClip(image, 0).caption, /^an orange \w+ on a \w+ background$/);
  });

  it("draws every combination that can be seen about equally often, and none that cannot", () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 6900; index++) {
      const { background, objects } = drawScene(config, index);
      const look = `${objects[0]?.colour} ${background}`;
      counts.set(look, (counts.get(look) ?? 0) + 1);
    }
    assert.equal(counts.size, 23);
    assert.ok(!counts.has("white light"));
    for (const [look, count] of counts) assert.ok(Math.abs(count - 300) < 70, `${look} ${count}`);
    const invisible = shapesSchema.parse({ colours: ["white"], backgrounds: ["light"] });
    assert.throws(
      () => drawScene(invisible, 0),
      /expected a colour that can be seen on a background, got white on light/,
    );
  });

  it("keeps to the weights of the buckets", () => {
    const weighted = shapesSchema.parse({
      buckets: [
        { frames: 1, height: 16, width: 16, weight: 1 },
        { frames: 5, height: 16, width: 16, weight: 3 },
      ],
    });
    const images = Array.from({ length: 2000 }, (_, i) => drawScene(weighted, i)).filter(({ frames }) => frames === 1);
    assert.ok(Math.abs(images.length - 500) < 60, String(images.length));
  });

  it("refuses settings that make no clips", () => {
    const wrong = [
      { buckets: [{ frames: 4, height: 32, width: 32 }] },
      { buckets: [{ frames: 5, height: 30, width: 32 }] },
      { size: [0.5, 0.4] },
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
    assert.deepEqual(await dataset.readFrames(57), shapesClip(small, 57).frames_THWC);
    await dataset.close();
  });
});
