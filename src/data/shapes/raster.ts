import { CHANNELS, clipBytes } from "../clip.ts";
import { forms } from "./forms.ts";
import { placeAt, type Scene, type SceneObject } from "./scene.ts";
import { backgrounds, colours, type Rgb } from "./world.ts";

/** Draws a scene: T H W C bytes. Edges are blended over one pixel by their distance, so motion is smooth below a pixel. */
export function renderScene(scene: Scene): Uint8Array {
  const video_THWC = new Uint8Array(clipBytes(scene));
  fill(video_THWC, backgrounds[scene.background]);
  const frameBytes = video_THWC.length / scene.frames;
  for (let t = 0; t < scene.frames; t++) {
    const frame_HWC = video_THWC.subarray(t * frameBytes, (t + 1) * frameBytes);
    const u = scene.frames === 1 ? 0 : t / (scene.frames - 1);
    for (const object of scene.objects) drawObject(frame_HWC, scene, object, u);
  }
  return video_THWC;
}

function fill(pixels: Uint8Array, colour: Rgb): void {
  pixels.set(colour);
  for (let done = CHANNELS; done < pixels.length; done *= 2) pixels.copyWithin(done, 0, done);
}

function drawObject(frame_HWC: Uint8Array, { height, width }: Scene, object: SceneObject, u: number): void {
  const { x, y, radius } = placeAt(object, u);
  const [red, green, blue] = colours[object.colour];
  const distance = forms[object.form];
  const bottom = Math.min(height, Math.ceil(y + radius + 1));
  const right = Math.min(width, Math.ceil(x + radius + 1));
  for (let row = Math.max(0, Math.floor(y - radius - 1)); row < bottom; row++) {
    for (let column = Math.max(0, Math.floor(x - radius - 1)); column < right; column++) {
      const pixels = radius * distance((column + 0.5 - x) / radius, (row + 0.5 - y) / radius);
      const cover = Math.min(Math.max(0.5 - pixels, 0), 1);
      if (cover === 0) continue;
      const at = (row * width + column) * CHANNELS;
      frame_HWC[at] = blend(frame_HWC[at], red, cover);
      frame_HWC[at + 1] = blend(frame_HWC[at + 1], green, cover);
      frame_HWC[at + 2] = blend(frame_HWC[at + 2], blue, cover);
    }
  }
}

function blend(under: number | undefined, over: number, cover: number): number {
  return Math.round((under ?? 0) * (1 - cover) + over * cover);
}
