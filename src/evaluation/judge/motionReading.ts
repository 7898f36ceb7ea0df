import { type Form, type Motion, symmetry } from "../../data/shapes/grammar.ts";
import { fitForm } from "./formFit.ts";
import type { Guess } from "./reading.ts";
import type { FrameSize, Sight } from "./track.ts";

/** Change in radius, as a factor, from which an object grows or shrinks. */
const GROWTH = 1.35;
/** Way, in pixels and against the frame's short side, from which an object moves. */
const LEAST_WAY = 1.6;
const LEAST_WAY_SHARE = 0.07;
/** An object that ends this near to where it began, against the extent of its way, has come back. */
const RETURN = 0.5;
/** Narrow side of the way against its long side, from which it is round. */
const ROUND = 0.45;
/** Agreement of the turns of all frames, 1 when equal, below which an object spins. */
const SAME_TURN = 0.75;

/** What an object does, from where it is seen. */
export function readMotion(sights: readonly Sight[], form: Form, size: FrameSize): Guess<Motion> {
  if (sights.length < 2) return { value: "still", confidence: 0 };
  const growth = growthOf(sights);
  const grown = Math.abs(Math.log(growth)) / Math.log(GROWTH);
  const [wide, high] = [extent(sights.map(({ x }) => x)), extent(sights.map(({ y }) => y))];
  const leastWay = Math.max(LEAST_WAY, LEAST_WAY_SHARE * Math.min(size.height, size.width));
  const moved = Math.max(wide, high) / leastWay;
  if (grown > 1 && grown > moved * 0.5) return { value: growth > 1 ? "grow" : "shrink", confidence: margin(grown) };
  if (moved > 1) {
    const way = readWay(sights, wide, high);
    return { value: way.value, confidence: way.confidence * margin(moved) };
  }
  const agreement = turnAgreement(sights, form, size);
  if (agreement < SAME_TURN) return { value: "spin", confidence: 1 - agreement / SAME_TURN };
  return { value: "still", confidence: Math.min(1 - moved, 1 - grown, (agreement - SAME_TURN) / (1 - SAME_TURN)) };
}

/** The kind of a way: straight in one of eight directions, round, or there and back. */
function readWay(sights: readonly Sight[], wide: number, high: number): Guess<Motion> {
  const [first, last] = [sights[0] as Sight, sights.at(-1) as Sight];
  const [dx, dy] = [last.x - first.x, last.y - first.y];
  const long = Math.max(wide, high);
  const returned = 1 - Math.hypot(dx, dy) / long / RETURN;
  if (returned > 0) {
    const round = Math.min(wide, high) / long / ROUND;
    return { value: round > 1 ? "circle" : "bounce", confidence: returned * Math.min(1, Math.abs(round - 1)) };
  }
  const directions: readonly Motion[] = ["right", "downRight", "down", "downLeft", "left", "upLeft", "up", "upRight"];
  const eighths = (Math.atan2(dy, dx) / (2 * Math.PI)) * directions.length;
  const nearest = Math.round(eighths);
  const value = directions[(nearest + directions.length) % directions.length] as Motion;
  return { value, confidence: 1 - 2 * Math.abs(eighths - nearest) };
}

/** Factor by which the radius changes from the first third of the sights to the last. */
function growthOf(sights: readonly Sight[]): number {
  const third = Math.max(1, Math.floor(sights.length / 3));
  const mean = (part: readonly Sight[]): number =>
    part.reduce((sum, { area }) => sum + Math.sqrt(area), 0) / part.length;
  return mean(sights.slice(-third)) / mean(sights.slice(0, third));
}

/** Length of the mean of the turns as unit vectors, a form's symmetry being the full turn; 1 for round forms. */
function turnAgreement(sights: readonly Sight[], form: Form, size: FrameSize): number {
  if (symmetry[form] === 0) return 1;
  let [sumCos, sumSin] = [0, 0];
  for (const sight of sights) {
    const phase = (2 * Math.PI * fitForm(form, sight, size).turn) / symmetry[form];
    sumCos += Math.cos(phase);
    sumSin += Math.sin(phase);
  }
  return Math.hypot(sumCos, sumSin) / sights.length;
}

function extent(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/** How far a ratio is above 1, from 0 to 1. */
function margin(ratio: number): number {
  return 1 - 1 / Math.max(1, ratio);
}
