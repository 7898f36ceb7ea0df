import type { KeyedRandom } from "../../base/random.ts";
import { type Motion, motions } from "./grammar.ts";

/** Where an object is: centre and radius of the circle around it, in pixels; pixel (0, 0) covers [0, 1] x [0, 1]. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Clockwise turn in radians. */
  readonly turn: number;
}

/** A motion from start to end. A circling object starts at `first` and goes around `last`; a bouncing one falls to it. */
export interface Path {
  readonly motion: Motion;
  readonly first: Place;
  readonly last: Place;
  /** How often a circling object goes around from start to end; once where it is not told. */
  readonly laps?: number;
}

/** The part of the frame that an object has to itself, in pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** An object that grows ends this many times as large as one that stays. */
const GROWN = 1.25;
/** An object that grows starts this many times as large as one that stays. */
const UNGROWN = 0.5;
/** Turns a second, within the limits of `TURNS`. */
const TURN_RATE = 0.45;
/** Turns of a spinning object in a clip, least and most. */
const TURNS: readonly [number, number] = [0.35, 1.5];
/** An orbit's radius against the room that it has. */
const ORBIT: readonly [number, number] = [0.8, 1];

/** Place at time `u`: 0 in the first frame, 1 in the last. */
export function placeAt({ motion, first, last, laps = 1 }: Path, u: number): Place {
  const along = (way: number): Place => ({
    x: first.x + (last.x - first.x) * way,
    y: first.y + (last.y - first.y) * way,
    radius: first.radius + (last.radius - first.radius) * way,
    turn: first.turn + (last.turn - first.turn) * way,
  });
  if (motion === "bounce") return along((1 - Math.abs(1 - 2 * u)) ** 2);
  if (motion === "circle") {
    const [cos, sin] = [Math.cos(2 * Math.PI * laps * u), Math.sin(2 * Math.PI * laps * u)];
    const [dx, dy] = [first.x - last.x, first.y - last.y];
    return { ...first, x: last.x + cos * dx - sin * dy, y: last.y + sin * dx + cos * dy };
  }
  return along(u);
}

/** Largest radius that an object of this radius has on its way. */
export function reach(motion: Motion, radius: number): number {
  return motions[motion].growth === 0 ? radius : radius * GROWN;
}

export interface PathLimits {
  /** Way of a moving object, least and most, as a fraction of the way it has. */
  readonly travel: readonly [number, number];
  /** The clip's length in seconds. */
  readonly seconds: number;
  /** Seconds in which a circling object goes around, as near as whole laps of the clip come to it. */
  readonly lapSeconds?: number | undefined;
}

/** Draws a path that stays inside the region. @param radius that of the object when it neither grows nor shrinks. */
export function drawPath(
  motion: Motion,
  radius: number,
  region: Region,
  limits: PathLimits,
  random: KeyedRandom,
): Path {
  const { growth } = motions[motion];
  const grown = reach(motion, radius);
  const ungrown = growth === 0 ? radius : radius * UNGROWN;
  const [from, to] = drawEnds(motion, grown, region, limits, random);
  const turns = motion === "spin" ? clamp(TURN_RATE * limits.seconds, TURNS) : 0;
  return {
    motion,
    first: { ...from, radius: growth > 0 ? ungrown : grown, turn: 0 },
    last: { ...to, radius: growth < 0 ? ungrown : grown, turn: turns * 2 * Math.PI },
    ...(motion === "circle" && limits.lapSeconds !== undefined && { laps: lapsIn(limits.seconds, limits.lapSeconds) }),
  };
}

/** Whole laps, so that a circling object ends where it began. */
function lapsIn(seconds: number, lapSeconds: number): number {
  return Math.max(1, Math.round(seconds / lapSeconds));
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function drawEnds(
  motion: Motion,
  radius: number,
  region: Region,
  { travel }: PathLimits,
  random: KeyedRandom,
): [Point, Point] {
  const room = { x: Math.max(0, region.width - 2 * radius), y: Math.max(0, region.height - 2 * radius) };
  const corner = { x: region.left + radius, y: region.top + radius };
  const share = within(travel, random);
  const { dx, dy } = motions[motion];
  if (motion === "circle") {
    const orbit = (Math.min(room.x, room.y) / 2) * within(ORBIT, random);
    const angle = 2 * Math.PI * random.uniform();
    const centre = {
      x: corner.x + orbit + (room.x - 2 * orbit) * random.uniform(),
      y: corner.y + orbit + (room.y - 2 * orbit) * random.uniform(),
    };
    return [{ x: centre.x + orbit * Math.cos(angle), y: centre.y + orbit * Math.sin(angle) }, centre];
  }
  // A slanting way is as long in x as in y.
  const way = share * (dx !== 0 && dy !== 0 ? Math.min(room.x, room.y) : 1);
  const [wayX, wayY] = dx !== 0 && dy !== 0 ? [way, way] : [room.x * share, room.y * share];
  const [x0, x1] = drawSpan(room.x, dx, wayX, random);
  const [y0, y1] = drawSpan(room.y, dy, wayY, random);
  return [
    { x: corner.x + x0, y: corner.y + y0 },
    { x: corner.x + x1, y: corner.y + y1 },
  ];
}

/** Start and end along one side. */
function drawSpan(room: number, direction: number, length: number, random: KeyedRandom): [number, number] {
  const way = direction === 0 ? 0 : length;
  const low = (room - way) * random.uniform();
  return direction < 0 ? [low + way, low] : [low, low + way];
}

export function within([low, high]: readonly [number, number], random: KeyedRandom): number {
  return low + (high - low) * random.uniform();
}

function clamp(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(high, Math.max(low, value));
}
