import type { Video } from "../../data/media/video.ts";
import type { Split } from "../../data/shapes/combinations.ts";
import { renderScene } from "../../data/shapes/raster.ts";
import type { Scene } from "../../data/shapes/scene.ts";
import { ShapesWorld } from "../../data/shapes/shapesWorld.ts";
import type { ShapesConfig } from "../../data/shapes/world.ts";
import type { DataConfig } from "../../registry.ts";

/** Scenes of a world, each with its caption and its true clip. */
export interface WorldPrompt {
  readonly scene: Scene;
  readonly caption: string;
  readonly clip: Video;
}

/** The shapes world among the data, the first of several. */
export function worldOf(data: DataConfig): ShapesConfig | undefined {
  const sources = data.kind === "mix" ? data.sources : [data];
  return sources.find((source) => source.kind === "shapes")?.world;
}

/** Evaluated scenes are those of another seed than any that a recipe is likely to name. */
const SEED_OFFSET = 1_000_000;

/** Scenes that were not trained on, of one split. Single frames are left out: they show no motion. */
export function worldPrompts(config: ShapesConfig, split: Split, count: number, seed: number): WorldPrompt[] {
  const moving = config.buckets.filter(({ frames }) => frames > 1);
  const buckets = moving.length > 0 ? moving : config.buckets;
  const world = new ShapesWorld({ ...config, buckets, seed: SEED_OFFSET + config.seed + seed }, split);
  return Array.from({ length: count }, (_, index) => {
    const scene = world.scene(index);
    return { scene, caption: world.caption(scene, index), clip: clipOf(scene) };
  });
}

/** The true clip of a scene. */
export function clipOf(scene: Scene): Video {
  const { frames, height, width, fps } = scene;
  return { frames, height, width, fps, frames_THWC: renderScene(scene) };
}
