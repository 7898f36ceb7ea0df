import type { Form } from "./grammar.ts";

/**
 * Signed distance from a point to a form's outline, in units of the form's radius: negative inside. (x, y) is relative to
 * the centroid, y down; every form lies within [-1, 1] x [-1, 1]. Source: Inigo Quilez, "2D distance functions".
 */
export type Distance = (x: number, y: number) => number;

const SQUARE_HALF_SIDE = 0.88;
const TRIANGLE_HALF_SIDE = Math.sqrt(3) / 2;
const STAR_WAIST = 0.45;
const RING_MIDDLE = 0.74;
const RING_HALF_WIDTH = 0.26;

/** The distance function of each form. */
export const forms: Readonly<Record<Form, Distance>> = {
  circle: (x, y) => Math.hypot(x, y) - 1,
  square,
  triangle,
  star,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - RING_MIDDLE) - RING_HALF_WIDTH,
};

function square(x: number, y: number): number {
  const outX = Math.abs(x) - SQUARE_HALF_SIDE;
  const outY = Math.abs(y) - SQUARE_HALF_SIDE;
  return Math.hypot(Math.max(outX, 0), Math.max(outY, 0)) + Math.min(Math.max(outX, outY), 0);
}

/** Equilateral, apex up, its corners on the unit circle. */
function triangle(x: number, y: number): number {
  const k = Math.sqrt(3);
  let px = Math.abs(x) - TRIANGLE_HALF_SIDE;
  let py = -y + TRIANGLE_HALF_SIDE / k;
  // Above the slanted side's mirror line the point is folded onto the base.
  if (px + k * py > 0) [px, py] = [(px - k * py) / 2, (-k * px - py) / 2];
  px -= Math.min(Math.max(px, -2 * TRIANGLE_HALF_SIDE), 0);
  return -Math.hypot(px, py) * Math.sign(py);
}

/** Five points, one up. */
function star(x: number, y: number): number {
  const cos36 = 0.809016994375;
  const sin36 = 0.587785252292;
  let px = Math.abs(x);
  let py = -y;
  // Fold the plane twice so that one half-point remains.
  let fold = 2 * Math.max(cos36 * px - sin36 * py, 0);
  px -= fold * cos36;
  py += fold * sin36;
  fold = 2 * Math.max(-cos36 * px - sin36 * py, 0);
  px += fold * cos36;
  py += fold * sin36;
  px = Math.abs(px);
  py -= 1;
  const edgeX = STAR_WAIST * sin36;
  const edgeY = STAR_WAIST * cos36 - 1;
  const along = Math.min(Math.max((px * edgeX + py * edgeY) / (edgeX * edgeX + edgeY * edgeY), 0), 1);
  return Math.hypot(px - edgeX * along, py - edgeY * along) * Math.sign(py * edgeX - px * edgeY);
}
