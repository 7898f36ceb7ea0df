import { UserError } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import type { ClipShape } from "../clip.ts";
import {
  type Background,
  backgrounds,
  type Colour,
  colours,
  type Form,
  type Motion,
  motions,
  type Rgb,
  type ShapesConfig,
} from "./world.ts";

/** Where an object is: centre and radius of the circle around it, in pixels; pixel (0, 0) covers [0, 1] x [0, 1]. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** One object: what it looks like, what it does, and its place in the first and the last frame. */
export interface SceneObject {
  readonly colour: Colour;
  readonly form: Form;
  readonly motion: Motion;
  readonly first: Place;
  readonly last: Place;
}

/** What is to be seen in a clip. Drawing it is the raster's work, telling it the caption's. */
export interface Scene extends ClipShape {
  readonly background: Background;
  readonly objects: readonly SceneObject[];
}

/** An object that grows ends this many times as large as one that stays. */
const GROWN = 1.25;
/** An object that grows starts this many times as large as one that stays. */
const UNGROWN = 0.5;
/** Least distance of an object's colour from the background, in RGB. */
const LEAST_CONTRAST = 80;

/** Draws the scene of clip `index`: all combinations of the config that can be told apart are equally likely. */
export function drawScene(config: ShapesConfig, index: number): Scene {
  const random = new KeyedRandom(config.seed, "shapes.scene", index);
  const bucket = pickWeighted(config.buckets, random.uniform());
  const { frames, height, width } = bucket;
  const looks = distinctLooks(config);
  const { colour, background } = random.pick(looks);
  const form = random.pick(config.shapes);
  const motion = random.pick(config.motions);
  const [first, last] = drawPath(config, bucket, motion, random);
  return { frames, height, width, background, objects: [{ colour, form, motion, first, last }] };
}

/** `a red circle moves right on a dark background`; an image says nothing of motion. */
export function captionOf(scene: Scene): string {
  const objects = scene.objects.map(({ colour, form, motion }) => {
    const name = `${colour === "orange" ? "an" : "a"} ${colour} ${form}`;
    return scene.frames === 1 ? name : `${name} ${motions[motion].phrase}`;
  });
  return `${objects.join(" and ")} on a ${scene.background} background`;
}

/** Place of an object at time `u`: 0 in the first frame, 1 in the last. */
export function placeAt({ first, last }: SceneObject, u: number): Place {
  const between = (a: number, b: number): number => a + (b - a) * u;
  return {
    x: between(first.x, last.x),
    y: between(first.y, last.y),
    radius: between(first.radius, last.radius),
  };
}

function drawPath(config: ShapesConfig, shape: ClipShape, motion: Motion, random: KeyedRandom): [Place, Place] {
  const { dx, dy, growth } = motions[motion];
  const radius = (within(config.size, random) * Math.min(shape.height, shape.width)) / 2;
  const ungrown = growth === 0 ? radius : radius * UNGROWN;
  const grown = growth === 0 ? radius : radius * GROWN;
  const [startX, endX] = drawSpan(shape.width, grown, dx, config, random);
  const [startY, endY] = drawSpan(shape.height, grown, dy, config, random);
  const first = { x: startX, y: startY, radius: growth > 0 ? ungrown : grown };
  const last = { x: endX, y: endY, radius: growth < 0 ? ungrown : grown };
  // A single frame shows any moment of the motion.
  if (shape.frames > 1) return [first, last];
  const moment = placeAt({ colour: "red", form: "circle", motion, first, last }, random.uniform());
  return [moment, moment];
}

/** Start and end of the centre along one side, so that the object stays inside. */
function drawSpan(
  side: number,
  radius: number,
  direction: number,
  config: ShapesConfig,
  random: KeyedRandom,
): [number, number] {
  const room = Math.max(0, side - 2 * radius);
  const way = direction === 0 ? 0 : room * within(config.travel, random);
  const low = radius + (room - way) * random.uniform();
  return direction < 0 ? [low + way, low] : [low, low + way];
}

function within([low, high]: readonly [number, number], random: KeyedRandom): number {
  return low + (high - low) * random.uniform();
}

function pickWeighted<T extends { readonly weight: number }>(items: readonly T[], u: number): T {
  const total = items.reduce((sum, { weight }) => sum + weight, 0);
  let left = u * total;
  for (const item of items) {
    left -= item.weight;
    if (left < 0) return item;
  }
  return items.at(-1) as T;
}

function distinctLooks(config: ShapesConfig): { colour: Colour; background: Background }[] {
  const looks = config.backgrounds.flatMap((background) =>
    config.colours
      .filter((colour) => distance(colours[colour], backgrounds[background]) >= LEAST_CONTRAST)
      .map((colour) => ({ colour, background })),
  );
  if (looks.length === 0) {
    throw new UserError("shapes.colours", {
      expected: "a colour that can be seen on a background",
      got: `${config.colours.join(", ")} on ${config.backgrounds.join(", ")}`,
    });
  }
  return looks;
}

function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
