import { CHANNELS, clipBytes } from "../clip.ts";
import { forms } from "./forms.ts";
import { BAR_COLOUR, colours, type Rgb } from "./grammar.ts";
import { groundPicture } from "./ground.ts";
import type { Region } from "./path.ts";
import { placeInFrame, type Scene, type SceneObject } from "./scene.ts";

/** Draws a scene: T H W C bytes. Edges are blended over one pixel by their distance, so motion is smooth below a pixel. */
export function renderScene(scene: Scene): Uint8Array {
  const video_THWC = new Uint8Array(clipBytes(scene));
  const ground_HWC = groundPicture(scene);
  for (let t = 0; t < scene.frames; t++) {
    const frame_HWC = video_THWC.subarray(t * ground_HWC.length, (t + 1) * ground_HWC.length);
    frame_HWC.set(ground_HWC);
    for (const object of scene.objects) drawObject(frame_HWC, scene, object, t);
    if (scene.bar !== undefined) drawBar(frame_HWC, scene, scene.bar);
  }
  return video_THWC;
}

function drawObject(frame_HWC: Uint8Array, scene: Scene, object: SceneObject, t: number): void {
  const { height, width } = scene;
  const { x, y, radius, turn } = placeInFrame(object, scene, t);
  const distance = forms[object.form];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  // A turned form may reach past its box, up to the box's corner.
  const reach = (turn === 0 ? 1 : Math.SQRT2) * radius + 1;
  const bottom = Math.min(height, Math.ceil(y + reach));
  const right = Math.min(width, Math.ceil(x + reach));
  for (let row = Math.max(0, Math.floor(y - reach)); row < bottom; row++) {
    for (let column = Math.max(0, Math.floor(x - reach)); column < right; column++) {
      const [dx, dy] = [(column + 0.5 - x) / radius, (row + 0.5 - y) / radius];
      const pixels = radius * distance(cos * dx + sin * dy, cos * dy - sin * dx);
      blend(frame_HWC, (row * width + column) * CHANNELS, colours[object.colour], 0.5 - pixels);
    }
  }
}

function drawBar(frame_HWC: Uint8Array, { height, width }: Scene, bar: Region): void {
  const covered = (pixel: number, start: number, length: number): number =>
    Math.min(pixel + 1, start + length) - Math.max(pixel, start);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const cover = Math.max(0, covered(column, bar.left, bar.width)) * Math.max(0, covered(row, bar.top, bar.height));
      blend(frame_HWC, (row * width + column) * CHANNELS, BAR_COLOUR, cover);
    }
  }
}

/** Lays a colour over a pixel. @param cover share of the pixel that is covered, clipped to [0, 1]. */
function blend(frame_HWC: Uint8Array, at: number, colour: Rgb, cover: number): void {
  const share = Math.min(Math.max(cover, 0), 1);
  if (share === 0) return;
  for (let c = 0; c < CHANNELS; c++) {
    frame_HWC[at + c] = Math.round((frame_HWC[at + c] as number) * (1 - share) + (colour[c] as number) * share);
  }
}
