import type { KeyedRandom } from "../../base/random.ts";
import type { ClipShape } from "../clip.ts";
import { type Motion, motions, type Size, sizes } from "./grammar.ts";
import type { Path, Region } from "./path.ts";

/** Least radius of an object that can be told from others, in pixels. */
const LEAST_RADIUS = 3;
/** Pixels between the object and whatever it must not touch. */
const GAP = 1;

/**
 * A bar across the frame and a path behind it: the object is whole in the first and the last frame and out of sight in
 * one frame at least. The object is made smaller where the frame leaves no room for its radius.
 * @returns undefined when the motion does not cross the frame, or no object that can be told fits.
 */
export function barFor(
  motion: Motion,
  radius: number,
  size: Size | undefined,
  { frames, height, width }: ClipShape,
  random: KeyedRandom,
): { readonly bar: Region; readonly path: Path } | undefined {
  const { dx, dy } = motions[motion];
  if (frames === 1 || motion === "bounce" || Math.abs(dx) + Math.abs(dy) !== 1) return undefined;
  const side = dx !== 0 ? width : height;
  const across = dx !== 0 ? height : width;
  // Whole on both sides and hidden in between: 4 radii beside the bar, and the bar as wide as the object and one step.
  const r = Math.min(radius, (side * (1 - 1 / (frames - 1)) - 3 * GAP) / 6);
  const least =
    size === undefined ? LEAST_RADIUS : Math.max(LEAST_RADIUS, (sizes[size][0] * Math.min(height, width)) / 2);
  if (r < least) return undefined;
  const step = (side - 2 * r) / (frames - 1);
  const thickness = 2 * r + step + GAP;
  const spare = side - thickness - 4 * r - 2 * GAP;
  const start = (side - thickness) / 2 + (random.uniform() - 0.5) * Math.max(0, spare);
  const lane = r + (across - 2 * r) * random.uniform();
  const [from, to] = dx + dy > 0 ? [r, side - r] : [side - r, r];
  const at = (along: number) => ({ x: dx !== 0 ? along : lane, y: dx !== 0 ? lane : along, radius: r, turn: 0 });
  return {
    bar:
      dx !== 0 ? { left: start, top: 0, width: thickness, height } : { left: 0, top: start, width, height: thickness },
    path: { motion, first: at(from), last: at(to) },
  };
}
