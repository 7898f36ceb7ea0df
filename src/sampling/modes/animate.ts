import { UserError } from "../../base/errors.ts";
import { gridKey } from "../../base/grid.ts";
import type { LatentVideo } from "../latentVideo.ts";
import { checkFrames, knownFrom } from "./context.ts";
import { type ModePlan, type Reach, wholePart } from "./modePlan.ts";

/** An image to bring to life. */
export interface Animate {
  readonly prompt: string;
  /** The image, encoded as a clip of one frame. */
  readonly image: LatentVideo;
  /** Length of the clip in frames of pixels, the image among them; rounded up to 1 + a multiple of the time factor. */
  readonly frames: number;
}

/** A clip that begins with an image. Longer clips than the model's window are drawn by rolling. */
export function animate({ prompt, image, frames }: Animate, { time }: Reach): ModePlan {
  checkFrames("animate", frames);
  if (image.grid.t !== 1) {
    throw new UserError("animate", { expected: "the latent of one image", got: gridKey(image.grid) });
  }
  const grid = { ...image.grid, t: 1 + Math.ceil((frames - 1) / time) };
  return { request: { prompt, grid, known: knownFrom(image, 0) }, parts: (drawn) => wholePart(drawn, time) };
}
