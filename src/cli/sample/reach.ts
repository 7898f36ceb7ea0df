import type { Size } from "../../data/ingest/geometry.ts";
import { vaeFactor } from "../../models/vae/vaeConfig.ts";
import type { Reach } from "../../sampling/modes/modePlan.ts";
import type { KnownModel } from "../stages/openModel.ts";

/** How far a model sees at a size: as far as the longest clip of that size, or of any where it has seen none. */
export function reachAt({ recipe, facts, vae }: KnownModel, { height, width }: Size): Reach {
  const [time] = vaeFactor(vae.config);
  const alike = facts.grids.filter((grid) => grid.height === height && grid.width === width);
  const frames = (alike.length > 0 ? alike : facts.grids).map((grid) => grid.frames);
  const longest = 1 + Math.floor((Math.max(1, ...frames) - 1) / time);
  const { window } = recipe.packing;
  return { time, window: Math.min(longest, window ?? longest), inside: window !== undefined };
}
