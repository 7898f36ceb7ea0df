import { UserError } from "../../../base/errors.ts";
import type { ShapesConfig } from "../../../data/shapes/world.ts";
import type { KnownModel } from "../openModel.ts";
import { barWorld, reachWithoutCutting, returningWorld, windowWorld } from "../windowWorld.ts";
import { type WorldPrompt, worldPrompts } from "../worldPrompts.ts";

/** Scenes that long clips are drawn of. Their own frames are as many as the model sees at once. */
export interface LongScenes {
  /** One object with a motion that can go on for ever, one that ends where it begins, where the world has such. */
  readonly going: readonly WorldPrompt[];
  /** One object that passes behind a bar; none where the world has no bars. */
  readonly hiding: readonly WorldPrompt[];
  /** Frames of the longest of them. */
  readonly window: number;
}

/**
 * Scenes of the sizes at which a model goes on from inside a clip.
 * @param seconds that the long clips will have.
 * @throws UserError when there is no such size, or the model sees half of the long clips at once.
 */
export function longScenes(
  known: KnownModel,
  config: ShapesConfig,
  { seconds, clips, seed }: { readonly seconds: number; readonly clips: number; readonly seed: number },
): LongScenes {
  const { first, independent } = known.recipe.objective.conditioning;
  const reachOf = reachWithoutCutting(known);
  const world = windowWorld(config, (size) => {
    const reach = reachOf(size);
    return reach?.inside === true && first + independent > 0 ? reach : undefined;
  });
  if (world === undefined) {
    throw new UserError("--long", {
      expected: "a model trained with packing.window and a share of objective.conditioning.first or independent",
      got: "one trained without",
      try: "a recipe such as configs/shapes-modes.yaml",
    });
  }
  const window = Math.max(...world.buckets.map(({ frames }) => frames));
  const least = (2 * window) / known.facts.fps;
  if (seconds <= least) {
    const expected = `more than ${least.toFixed(1)} seconds, twice what the model sees at once`;
    throw new UserError("--long", { expected, got: String(seconds) });
  }
  const bars = barWorld(world, config);
  const hiding = bars === undefined ? [] : worldPrompts(bars, "seen", clips, seed);
  return {
    going: worldPrompts(returningWorld(world), "seen", clips, seed),
    hiding: hiding.filter(({ scene }) => scene.bar !== undefined),
    window,
  };
}
