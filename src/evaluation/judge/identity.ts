import { radiusOf, readForm } from "./formFit.ts";
import type { Guess } from "./reading.ts";
import type { FrameSize, Sight } from "./track.ts";

/** An object whose radius changes by more than this factor while out of sight comes back as another. */
const SAME_RADIUS = 1.25;

/** Places in a list of sights before which the object was out of sight. */
export function returnsOf(sights: readonly Sight[]): number[] {
  return sights.flatMap((sight, i) => (i > 0 && sight.frame > (sights[i - 1] as Sight).frame + 1 ? [i] : []));
}

/** Compares an object before and after the frames in which it is first out of sight, where there are such. */
export function readIdentity(sights: readonly Sight[], size: FrameSize): Guess<boolean> | undefined {
  const [after] = returnsOf(sights);
  return after === undefined ? undefined : sameObject(sights.slice(0, after), sights.slice(after), size);
}

/** Whether two stretches of sights, at least one sight each, show one object: of one form and size. */
export function sameObject(before: readonly Sight[], after: readonly Sight[], size: FrameSize): Guess<boolean> {
  const [one, other] = [before, after].map((side) => {
    const form = readForm(side, size);
    return { form, radius: radiusOf(form.value, Math.max(...side.map(({ area }) => area))) };
  }) as [Side, Side];
  const change = Math.abs(Math.log(other.radius / one.radius)) / Math.log(SAME_RADIUS);
  const confidence = Math.min(one.form.confidence, other.form.confidence, Math.min(1, Math.abs(1 - change)));
  return { value: one.form.value === other.form.value && change < 1, confidence };
}

interface Side {
  readonly form: ReturnType<typeof readForm>;
  readonly radius: number;
}
