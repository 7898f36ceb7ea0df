import { framesOf, type Reach } from "../../sampling/modes/modePlan.ts";
import type { MeasuredMode } from "./modeCase.ts";

/** Latent frames that a model must see at once for every mode to be measured. */
export const LEAST_WINDOW = 4;

/** Which frames of a true clip are given, and where in the result are the seams. */
export interface CaseLayout {
  /** Frames of the true clip. */
  readonly frames: number;
  /** First and end of each stretch that is given. */
  readonly given: readonly (readonly [first: number, end: number])[];
  /** Frames that the step at a seam leads to, see `jumpAt`. */
  readonly seams: readonly number[];
  readonly loops: boolean;
}

/**
 * How a mode is measured with true clips as long as the model sees: what a mode has to draw is what was left out, so the
 * true clip is a perfect result (of a loop, the true clip without its last frame, which is its first).
 * - extend: half of the clip and a latent more, rounded down, is given, and the rest drawn
 * - loop: the same of a clip that ends where it begins
 * - connect: the beginning of the clip, and its last two latents
 * - keyframes: the first frame, one in the middle and the last. Seams are around each of them, and before the latent
 *   frame that it fills
 */
export function caseLayout(mode: MeasuredMode, { time, window }: Reach): CaseLayout {
  const frames = framesOf(window, time);
  const half = framesOf(Math.floor((window + 1) / 2), time);
  const plain = { frames, loops: false };
  switch (mode) {
    case "text":
      return { ...plain, given: [], seams: [] };
    case "image":
      return { frames: 1, loops: false, given: [], seams: [] };
    case "animate":
      return { ...plain, given: [[0, 1]], seams: [1] };
    case "extend forward":
      return { ...plain, given: [[0, half]], seams: [half] };
    case "extend backward":
      return { ...plain, given: [[frames - half, frames]], seams: [frames - half] };
    case "loop":
      return { frames, loops: true, given: [[0, half]], seams: [half, 0] };
    case "connect": {
      const [from, to] = [framesOf(Math.max(1, Math.floor((window - 1) / 2)), time), frames - framesOf(2, time)];
      return {
        ...plain,
        given: [
          [0, from],
          [to, frames],
        ],
        seams: [from, to],
      };
    }
    case "edit":
      return { ...plain, given: [[0, frames]], seams: [] };
    case "keyframes": {
      const shown = [0, Math.floor((window - 1) / 2), window - 1].map((latent) => latent * time);
      const around = shown.flatMap((frame) => [frame - time + 1, frame, frame + 1]);
      const seams = [...new Set(around)].filter((frame) => frame > 0 && frame < frames);
      return { ...plain, given: shown.map((frame) => [frame, frame + 1] as const), seams };
    }
  }
}
