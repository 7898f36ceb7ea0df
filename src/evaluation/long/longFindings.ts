import type { Video } from "../../data/media/video.ts";
import type { Colour } from "../../data/shapes/grammar.ts";
import type { Scene } from "../../data/shapes/scene.ts";
import { type AdherenceReport, reportAdherence } from "../adherenceReport.ts";
import { bootstrapMean, type Estimate } from "../bootstrap.ts";
import { judgeClip } from "../judge/judge.ts";
import { colourMasks } from "../judge/masks.ts";
import type { Reading } from "../judge/reading.ts";
import { tracksOf } from "../judge/track.ts";
import { windowOf, windowsIn } from "../windows.ts";

/** How a long clip is looked at, in frames. */
export interface LongSpans {
  /** The judge reads windows of this length: that of the clips a model was trained on. */
  readonly window: number;
  /** First frames whose windows are the beginning. */
  readonly begin: number;
  /** Last frames whose windows are the end. */
  readonly end: number;
}

/** What was found in a long clip. */
export interface LongFindings {
  readonly begin: readonly Reading[];
  readonly end: readonly Reading[];
  /** Colour of the largest object in every window of the clip; undefined where nothing is seen. */
  readonly colours: readonly (Colour | undefined)[];
}

/** Reads a long clip window by window. */
export function longFindings(video: Video, { window, begin, end }: LongSpans): LongFindings {
  const windows = (first: number, last: number): Video[] =>
    windowsIn(first, last, window).map((start) => windowOf(video, start, window));
  return {
    begin: windows(0, begin).map(judgeClip),
    end: windows(video.frames - end, video.frames).map(judgeClip),
    colours: windows(0, video.frames).map((part) => tracksOf(colourMasks(part), part)[0]?.colour),
  };
}

/** How well long clips stay what they are. */
export interface LongReport {
  /** What windows of the beginning and of the end show of what the prompts say. `n` counts windows. */
  readonly begin: AdherenceReport;
  readonly end: AdherenceReport;
  /** Share of the clips that show an object of one colour in every window. */
  readonly colourKept: Estimate;
}

/** Sums up long clips. @param findings in the order of the scenes; at least one. */
export function reportLong(scenes: readonly Scene[], findings: readonly LongFindings[]): LongReport {
  const reported = (part: "begin" | "end"): AdherenceReport =>
    reportAdherence(
      findings.flatMap((found, i) => found[part].map(() => scenes[i] as Scene)),
      findings.flatMap((found) => found[part]),
    );
  const isKept = ({ colours: [first, ...others] }: LongFindings): boolean =>
    first !== undefined && others.every((colour) => colour === first);
  return {
    begin: reported("begin"),
    end: reported("end"),
    colourKept: bootstrapMean(findings.map((found) => Number(isKept(found)))),
  };
}
