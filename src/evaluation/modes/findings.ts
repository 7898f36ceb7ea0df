import type { Video } from "../../data/media/video.ts";
import { type Centre, centresOf } from "../centres.ts";
import { adherence } from "../judge/adherence.ts";
import { judgeClip } from "../judge/judge.ts";
import type { Reading } from "../judge/reading.ts";
import { closingExcess } from "../loops.ts";
import { type Displacement, displacement } from "../positions.ts";
import { psnr } from "../reconstruction.ts";
import { jumpAt } from "../seams.ts";
import type { ModeCase } from "./modeCase.ts";

/** What was found in a result; undefined where its mode says nothing of it. */
export interface Findings {
  readonly reading: Reading;
  /** dB of each stretch of given frames against the VAE's reconstruction, in the case's order; 100 when equal. */
  readonly context: readonly number[];
  /** Pixels at each seam, in the case's order. */
  readonly jumps: readonly number[];
  /** Pixels by which the closing step of a loop is longer than the others. */
  readonly closing: number | undefined;
  /** Whether what an edit changes is read as the prompt says. */
  readonly changed: boolean | undefined;
  /** How far the edited object is from where it was in the source. */
  readonly moved: Displacement | undefined;
}

/** Holds a result against what it should be. */
export function findingsOf(wanted: ModeCase, result: Video): Findings {
  const reading = judgeClip(result);
  const { edited } = wanted;
  let known: (Centre | undefined)[] | undefined;
  const centres = (): (Centre | undefined)[] => {
    known ??= centresOf(result);
    return known;
  };
  return {
    reading,
    context: wanted.given.map(({ first, frames_THWC }) => psnr(framesAt(result, first, frames_THWC), frames_THWC)),
    jumps: wanted.seams.map((frame) => jumpAt(centres(), frame, wanted.loops)),
    closing: wanted.loops ? closingExcess(centres()) : undefined,
    changed: edited === undefined ? undefined : adherence(wanted.scene, reading)[edited.attribute],
    moved: edited === undefined ? undefined : displacement(centres(), centresOf(edited.source)),
  };
}

/** As many of a result's frames as are compared. */
function framesAt({ frames_THWC, frames }: Video, first: number, compared: Uint8Array): Uint8Array {
  const from = (first * frames_THWC.length) / frames;
  return frames_THWC.subarray(from, from + compared.length);
}
