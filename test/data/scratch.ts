import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyedRandom } from "../../src/base/random.ts";
import { type Clip, clipBytes } from "../../src/data/clip.ts";

/** A folder for one test file, removed after it. Call at the top of `describe`. */
export function scratchFolder(): () => string {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "kinema-data-"));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}

/** A clip of noise. */
export function noiseClip(frames: number, height: number, width: number, id = 0): Clip {
  const random = new KeyedRandom(7, "test.noise", id);
  const frames_THWC = Uint8Array.from({ length: clipBytes({ frames, height, width }) }, () => random.int(256));
  return { frames_THWC, frames, height, width, fps: 8, caption: `noise "${id}", größe`, source: `noise ${id}` };
}
