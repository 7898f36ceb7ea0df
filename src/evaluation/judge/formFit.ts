import { forms } from "../../data/shapes/forms.ts";
import { FORMS, type Form, symmetry } from "../../data/shapes/grammar.ts";
import type { Guess } from "./reading.ts";
import type { FrameSize, Sight } from "./track.ts";

/** Turns that are tried within a form's symmetry, and sizes around the one that the area gives. */
const NUM_TURNS = 8;
const SCALES = [0.93, 1, 1.07] as const;
/** Steps a side with which a form's own area is counted. */
const FINE = 160;
/** Frames that are looked at: those that show most of the object, spread over the clip. */
const MOST_FRAMES = 5;
const WHOLE_SHARE = 0.6;

/** Area of each form of radius 1. */
const areas: Readonly<Record<Form, number>> = {
  circle: areaOf("circle"),
  square: areaOf("square"),
  triangle: areaOf("triangle"),
  star: areaOf("star"),
  ring: areaOf("ring"),
};

/** Radius of a form that covers this area, in pixels. */
export function radiusOf(form: Form, area: number): number {
  return Math.sqrt(area / areas[form]);
}

/** How well a form fits, 1 at best, and at which turn in radians. */
export interface Fit {
  readonly score: number;
  readonly turn: number;
}

/** The form that fits an object best over the frames that show it whole. */
export function readForm(sights: readonly Sight[], size: FrameSize): Guess<Form> {
  const largest = Math.max(...sights.map(({ area }) => area));
  const whole = sights.filter(({ area }) => area >= WHOLE_SHARE * largest);
  const step = Math.max(1, whole.length / MOST_FRAMES);
  const looked = whole.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const scores = FORMS.map((form) => ({
    form,
    score: looked.reduce((sum, sight) => sum + fitForm(form, sight, size).score, 0) / looked.length,
  })).sort((a, b) => b.score - a.score);
  const [best, second] = scores as [(typeof scores)[0], (typeof scores)[0]];
  return { value: best.form, confidence: Math.min(1, Math.max(0, (best.score - second.score) / (1 - second.score))) };
}

/** Fits one form to one sight, over turns and sizes: 1 - sum |cover - form| / sum (cover + form). */
export function fitForm(form: Form, sight: Sight, size: FrameSize): Fit {
  const radius = radiusOf(form, sight.area);
  const numTurns = symmetry[form] === 0 ? 1 : NUM_TURNS;
  let best: Fit = { score: Number.NEGATIVE_INFINITY, turn: 0 };
  for (let k = 0; k < numTurns; k++) {
    const turn = (symmetry[form] * k) / numTurns;
    for (const scale of SCALES) {
      const score = overlap(form, radius * scale, turn, sight, size);
      if (score > best.score) best = { score, turn };
    }
  }
  return best;
}

function overlap(form: Form, radius: number, turn: number, { x, y, cover_HW, area }: Sight, size: FrameSize): number {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const reach = radius * Math.SQRT2 + 1;
  const distance = forms[form];
  let [apart, covered, inside] = [0, 0, 0];
  const bottom = Math.min(size.height, Math.ceil(y + reach));
  const right = Math.min(size.width, Math.ceil(x + reach));
  for (let row = Math.max(0, Math.floor(y - reach)); row < bottom; row++) {
    for (let column = Math.max(0, Math.floor(x - reach)); column < right; column++) {
      const [dx, dy] = [(column + 0.5 - x) / radius, (row + 0.5 - y) / radius];
      const pixels = radius * distance(cos * dx + sin * dy, cos * dy - sin * dx);
      const drawn = Math.min(1, Math.max(0, 0.5 - pixels));
      const cover = cover_HW[row * size.width + column] as number;
      apart += Math.abs(cover - drawn);
      covered += cover;
      inside += drawn;
    }
  }
  // What is covered outside the box is not of the form either.
  return 1 - (apart + area - covered) / (area + inside);
}

function areaOf(form: Form): number {
  let numInside = 0;
  for (let i = 0; i < FINE * FINE; i++) {
    const x = (((i % FINE) + 0.5) / FINE) * 2 - 1;
    const y = ((Math.floor(i / FINE) + 0.5) / FINE) * 2 - 1;
    if (forms[form](x, y) < 0) numInside++;
  }
  return numInside * (2 / FINE) ** 2;
}
