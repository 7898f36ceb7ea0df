import { UserError } from "../../../base/errors.ts";
import { KeyedRandom } from "../../../base/random.ts";
import { groupBy } from "../../../data/group.ts";
import { captionOf } from "../../../data/shapes/caption.ts";
import { combinations } from "../../../data/shapes/combinations.ts";
import type { Motion } from "../../../data/shapes/grammar.ts";
import type { Scene, SceneObject } from "../../../data/shapes/scene.ts";
import type { Bucket, ShapesConfig } from "../../../data/shapes/world.ts";
import { LEAST_WINDOW } from "../../../evaluation/modes/caseLayout.ts";
import type { EditedAttribute } from "../../../evaluation/modes/modeCase.ts";
import { framesOf, type Reach } from "../../../sampling/modes/modePlan.ts";

/** Motions that end where they begin: what a loop, or a clip of any length, can go on with. */
const RETURNING: readonly Motion[] = ["circle", "bounce", "still"];

export type SizeInPixels = { readonly height: number; readonly width: number };

/**
 * The world that modes are measured in: one object that nothing hides, in clips as long as the model sees at each of the
 * world's sizes.
 * @param reachOf undefined for sizes that the model cannot draw without cutting.
 * @throws UserError when the model sees too little at every size.
 */
export function modeWorld(config: ShapesConfig, reachOf: (size: SizeInPixels) => Reach | undefined): ShapesConfig {
  const moving = config.buckets.filter(({ frames }) => frames > 1);
  const sizes = [...groupBy(moving, ({ height, width }) => `${height}x${width}`).values()];
  const buckets = sizes.flatMap((alike): Bucket[] => {
    const [{ height, width }] = alike as [Bucket];
    const { window = 0, time = 1 } = reachOf({ height, width }) ?? {};
    const weight = alike.reduce((sum, bucket) => sum + bucket.weight, 0);
    return window < LEAST_WINDOW ? [] : [{ height, width, frames: framesOf(window, time), weight }];
  });
  if (buckets.length > 0) return { ...config, pairs: 0, occlusions: 0, buckets };
  const longest = Math.max(0, ...moving.map((bucket) => reachOf(bucket)?.window ?? 0));
  const expected = `a model that draws at least ${LEAST_WINDOW} latent frames at once`;
  throw new UserError("--modes", { expected, got: `one that draws ${longest}` });
}

/** The same world with those motions alone that end where they begin, if it has any. */
export function returningWorld(config: ShapesConfig): ShapesConfig {
  const motions = config.motions.filter((motion) => RETURNING.includes(motion));
  return motions.length === 0 ? config : { ...config, motions };
}

/** Its single frames. */
export function stillWorld(config: ShapesConfig): ShapesConfig {
  return { ...config, buckets: config.buckets.map((bucket) => ({ ...bucket, frames: 1 })) };
}

/** A scene with another colour or shape, and the words for it. */
export interface EditedScene {
  readonly scene: Scene;
  readonly caption: string;
  readonly attribute: EditedAttribute;
}

/**
 * Changes a scene's object to something else that training may have shown: every other time its colour, else its shape.
 * @throws UserError when the world has neither two colours nor two shapes for it.
 */
export function editedScene(config: ShapesConfig, scene: Scene, index: number, seed: number): EditedScene {
  const [object] = scene.objects as readonly [SceneObject];
  const alike = combinations(config, "seen").filter(
    ({ motion, background }) => motion === object.motion && background === scene.ground.background,
  );
  const others = {
    colour: alike.filter(({ colour, form }) => colour !== object.colour && form === object.form),
    shape: alike.filter(({ colour, form }) => colour === object.colour && form !== object.form),
  };
  const turns = index % 2 === 0 ? (["colour", "shape"] as const) : (["shape", "colour"] as const);
  const attribute = turns.find((name) => others[name].length > 0);
  if (attribute === undefined) {
    throw new UserError("--modes", {
      expected: "a world of two colours or shapes, to edit clips of",
      got: "one of each",
    });
  }
  const { colour, form } = new KeyedRandom(seed, "evaluation edit", index).pick(others[attribute]);
  const edited = { ...scene, objects: [{ ...object, colour, form }] };
  return { scene: edited, caption: captionOf(edited), attribute };
}
