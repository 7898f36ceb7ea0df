import { setImmediate } from "node:timers/promises";
import type { Clip } from "../clip.ts";
import { createDataset } from "../dataset.ts";
import type { Manifest } from "../manifest.ts";
import { renderScene } from "./raster.ts";
import { ShapesWorld } from "./shapesWorld.ts";
import type { ShapesConfig } from "./world.ts";

/** Clip `index` of a shapes world: its scene drawn and told. */
export function shapesClip(world: ShapesWorld, index: number): Clip {
  const { config, split } = world;
  const scene = world.scene(index);
  const { frames, height, width, fps } = scene;
  return {
    frames_THWC: renderScene(scene),
    frames,
    height,
    width,
    fps,
    caption: world.caption(scene, index),
    source: `shapes seed ${config.seed} ${split === "seen" ? "" : "held-out "}clip ${index}`,
  };
}

export interface BuildShapesOptions {
  readonly overwrite?: boolean;
  /** Called now and then with the number of clips made. */
  readonly onProgress?: (done: number) => void;
}

const CLIPS_BETWEEN_REPORTS = 200;

/** Builds the dataset of a shapes world. @throws UserError when the folder is taken. */
export function buildShapes(dir: string, config: ShapesConfig, options: BuildShapesOptions = {}): Promise<Manifest> {
  const { overwrite = false, onProgress } = options;
  const made = { command: "data shapes", options: config };
  const world = new ShapesWorld(config);
  return createDataset(dir, { made, overwrite }, async (out) => {
    for (let index = 0; index < config.clips; index++) {
      out.add(shapesClip(world, index));
      if (out.clips % CLIPS_BETWEEN_REPORTS !== 0) continue;
      onProgress?.(out.clips);
      await setImmediate();
    }
    onProgress?.(out.clips);
  });
}
