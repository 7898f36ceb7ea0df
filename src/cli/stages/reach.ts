import { UserError } from "../../base/errors.ts";
import { type VaeConfig, vaeFactor } from "../../models/vae/vaeConfig.ts";
import type { DitRecipe } from "../../registry.ts";
import type { LongClips } from "../../sampling/latentDrawer.ts";
import type { Reach } from "../../sampling/modes/modePlan.ts";
import type { ModelFacts } from "./modelFacts.ts";

/** What of a model says how far it sees: known without its weights. */
export interface SeeingModel {
  readonly recipe: Pick<DitRecipe, "packing" | "objective" | "samples">;
  readonly facts: Pick<ModelFacts, "grids">;
  readonly vae: { readonly config: VaeConfig };
}

/** How far a model sees at a size in pixels: the longest clip of that size, or of any where it was trained on none. */
export function reachAt({ recipe, facts, vae }: SeeingModel, size: { height: number; width: number }): Reach {
  const [time] = vaeFactor(vae.config);
  const alike = facts.grids.filter(({ height, width }) => height === size.height && width === size.width);
  const frames = (alike.length > 0 ? alike : facts.grids).map((grid) => grid.frames);
  const longest = 1 + Math.floor((Math.max(1, ...frames) - 1) / time);
  const { window = longest } = recipe.packing;
  const { first, both, keyframes, independent } = recipe.objective.conditioning;
  const inside = recipe.packing.window !== undefined && first + both + keyframes + independent > 0;
  return { time, window: Math.min(longest, window), inside };
}

/**
 * How a model draws clips that are longer than it sees.
 * @throws UserError when it was not trained for the kind of rolling that its recipe asks for.
 */
export function longClipsOf(model: SeeingModel): LongClips {
  const { rolling } = model.recipe.samples;
  const { first, independent } = model.recipe.objective.conditioning;
  if (rolling.kind === "frames" && independent === 0) {
    const expected = "blocks, as no clip was trained with frames at times of their own";
    const try_ = "a share of objective.conditioning.independent";
    throw new UserError("samples.rolling.kind", { expected, got: rolling.kind, try: try_ });
  }
  const goesOn = first + independent > 0;
  const [, space] = vaeFactor(model.vae.config);
  return {
    rolling,
    reachOf: ({ h, w }) => {
      const reach = reachAt(model, { height: h * space, width: w * space });
      return { ...reach, inside: reach.inside && goesOn };
    },
  };
}
