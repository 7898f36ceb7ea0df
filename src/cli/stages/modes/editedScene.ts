import { UserError } from "../../../base/errors.ts";
import { KeyedRandom } from "../../../base/random.ts";
import { captionOf } from "../../../data/shapes/caption.ts";
import { combinations } from "../../../data/shapes/combinations.ts";
import type { Scene, SceneObject } from "../../../data/shapes/scene.ts";
import type { ShapesConfig } from "../../../data/shapes/world.ts";
import type { EditedAttribute } from "../../../evaluation/modes/modeCase.ts";

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
