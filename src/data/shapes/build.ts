import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { conform } from "../../base/conform.ts";
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
  /** Called now and then with the number of clips made, first with those that an earlier start made. */
  readonly onProgress?: (done: number) => void;
  /** Ends the work in good order when it aborts. */
  readonly aborts?: AbortSignal | undefined;
}

const CLIPS_BETWEEN_REPORTS = 200;

/**
 * Builds the dataset of a shapes world; one that was killed or stopped goes on from its last whole shard.
 * @throws UserError when the folder is taken. Interrupted when `aborts` does.
 */
export function buildShapes(dir: string, config: ShapesConfig, options: BuildShapesOptions = {}): Promise<Manifest> {
  const { overwrite = false, onProgress, aborts } = options;
  const made = { command: "data shapes", options: config };
  const world = new ShapesWorld(config);
  return createDataset(dir, { made, inputs: {}, overwrite }, async (out) => {
    const start = conform(z.int().nonnegative(), out.cursor ?? 0, `${dir} build`);
    onProgress?.(start);
    for (let index = start; index < config.clips; index++) {
      out.add(shapesClip(world, index));
      out.commit(out.clips);
      if (out.clips % CLIPS_BETWEEN_REPORTS !== 0) continue;
      onProgress?.(out.clips);
      await setImmediate();
      aborts?.throwIfAborted();
    }
    onProgress?.(out.clips);
  });
}
