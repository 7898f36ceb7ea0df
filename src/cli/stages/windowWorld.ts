import { groupBy } from "../../data/group.ts";
import type { Motion } from "../../data/shapes/grammar.ts";
import type { Bucket, ShapesConfig } from "../../data/shapes/world.ts";
import { vaeFactor } from "../../models/vae/vaeConfig.ts";
import { framesOf, type Reach } from "../../sampling/modes/modePlan.ts";
import type { KnownModel } from "./openModel.ts";
import { reachAt } from "./reach.ts";

/** Motions that end where they begin: what a loop, or a clip of any length, can go on with. */
const RETURNING: readonly Motion[] = ["circle", "bounce", "still"];
/** Motions that lead behind a bar. */
const CROSSING: readonly Motion[] = ["left", "right", "up", "down"];

export interface SizeInPixels {
  readonly height: number;
  readonly width: number;
}

/**
 * A world of one object that nothing hides, in clips as long as a model sees at each of the world's sizes.
 * @param reachOf undefined for sizes that are left out.
 * @returns undefined when no size is left.
 */
export function windowWorld(
  config: ShapesConfig,
  reachOf: (size: SizeInPixels) => Reach | undefined,
): ShapesConfig | undefined {
  const moving = config.buckets.filter(({ frames }) => frames > 1);
  const sizes = [...groupBy(moving, ({ height, width }) => `${height}x${width}`).values()];
  const buckets = sizes.flatMap((alike): Bucket[] => {
    const [{ height, width }] = alike as [Bucket];
    const reach = reachOf({ height, width });
    const weight = alike.reduce((sum, bucket) => sum + bucket.weight, 0);
    return reach === undefined ? [] : [{ height, width, frames: framesOf(reach.window, reach.time), weight }];
  });
  return buckets.length === 0 ? undefined : { ...config, pairs: 0, occlusions: 0, buckets };
}

/** How far a model sees at sizes that it draws without cutting; undefined for others. */
export function reachWithoutCutting(known: KnownModel): (size: SizeInPixels) => Reach | undefined {
  const [, space] = vaeFactor(known.vae.config);
  const [, ph, pw] = known.recipe.dit.patch;
  return (size) =>
    size.height % (space * ph) === 0 && size.width % (space * pw) === 0 ? reachAt(known, size) : undefined;
}

/** The same world with those motions alone that end where they begin, if it has any. */
export function returningWorld(config: ShapesConfig): ShapesConfig {
  const motions = config.motions.filter((motion) => RETURNING.includes(motion));
  return motions.length === 0 ? config : { ...config, motions };
}

/** The same world with bars that objects pass behind; undefined where it has none. */
export function barWorld(config: ShapesConfig, { occlusions }: ShapesConfig): ShapesConfig | undefined {
  const motions = config.motions.filter((motion) => CROSSING.includes(motion));
  return occlusions === 0 || motions.length === 0 ? undefined : { ...config, motions, occlusions: 1 };
}

/** Its single frames. */
export function stillWorld(config: ShapesConfig): ShapesConfig {
  return { ...config, buckets: config.buckets.map((bucket) => ({ ...bucket, frames: 1 })) };
}
