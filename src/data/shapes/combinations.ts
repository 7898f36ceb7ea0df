import { UserError } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import {
  type Background,
  type Colour,
  colours,
  type Form,
  grounds,
  type Motion,
  type Rgb,
  symmetry,
} from "./grammar.ts";
import type { ShapesConfig } from "./world.ts";

/** What an object looks like and does, before its background. */
export interface Combination {
  readonly colour: Colour;
  readonly form: Form;
  readonly motion: Motion;
  readonly background: Background;
}

/** `seen`: what training clips may show; `heldOut`: the triples of colour, form and motion that they never show. */
export type Split = "seen" | "heldOut";

/** Least distance of an object's colour from the background, in RGB. */
const LEAST_CONTRAST = 80;

/** Whether a triple belongs to the held-out part. It depends on the triple and the share alone, not on any seed. */
export function isHeldOutTriple({ colour, form, motion }: Omit<Combination, "background">, share: number): boolean {
  return new KeyedRandom(0, "shapes.heldOut", colour, form, motion).uniform() < share;
}

/**
 * The combinations of a world that can be told apart by looking: colours that show before their background, and no
 * spinning of forms that look the same at any turn.
 * @throws UserError when none is left.
 */
export function combinations(config: ShapesConfig, split: Split): Combination[] {
  const looks = config.backgrounds.flatMap((background) =>
    config.colours.filter((colour) => stands(colour, background)).map((colour) => ({ colour, background })),
  );
  if (looks.length === 0) {
    throw new UserError("shapes.colours", {
      expected: "a colour that can be seen on a background",
      got: `${config.colours.join(", ")} on ${config.backgrounds.join(", ")}`,
    });
  }
  const acts = config.shapes.flatMap((form) =>
    config.motions.filter((motion) => motion !== "spin" || symmetry[form] > 0).map((motion) => ({ form, motion })),
  );
  if (acts.length === 0) {
    throw new UserError("shapes.motions", { expected: "a motion that these shapes show", got: "spin of round ones" });
  }
  const all = looks.flatMap((look) => acts.map((act) => ({ ...look, ...act })));
  const wanted = all.filter((one) => isHeldOutTriple(one, config.holdOut) === (split === "heldOut"));
  if (wanted.length === 0) {
    throw new UserError("shapes.holdOut", {
      expected: split === "seen" ? "triples that are seen" : "triples that are held out",
      got: `none of ${all.length} combinations at holdOut ${config.holdOut}`,
    });
  }
  return wanted;
}

function stands(colour: Colour, background: Background): boolean {
  return grounds[background].every((ground) => distance(colours[colour], ground) >= LEAST_CONTRAST);
}

function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
