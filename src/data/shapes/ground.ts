import { CHANNELS } from "../clip.ts";
import { grounds, type Rgb } from "./grammar.ts";
import type { Scene } from "./scene.ts";

/** The background of a scene: one frame, H W C bytes. */
export function groundPicture({ height, width, ground }: Pick<Scene, "height" | "width" | "ground">): Uint8Array {
  const [near, far = near] = grounds[ground.background] as readonly [Rgb, Rgb?];
  const picture_HWC = new Uint8Array(height * width * CHANNELS);
  const [cos, sin] = [Math.cos(ground.slope), Math.sin(ground.slope)];
  // Half the extent of the frame in the direction of the slope.
  const half = (Math.abs(cos) * width + Math.abs(sin) * height) / 2;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const along = (cos * (column + 0.5 - width / 2) + sin * (row + 0.5 - height / 2)) / half;
      const cell = Math.floor((row + ground.shift) / ground.cell) + Math.floor((column + ground.shift) / ground.cell);
      const mix = ground.background === "gradient" ? (along + 1) / 2 : cell % 2;
      for (let c = 0; c < CHANNELS; c++) {
        const [a, b] = [near[c] as number, far[c] as number];
        picture_HWC[(row * width + column) * CHANNELS + c] = Math.round(a + (b - a) * mix);
      }
    }
  }
  return picture_HWC;
}
