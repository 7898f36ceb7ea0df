import type { Estimate } from "../../../evaluation/bootstrap.ts";
import type { LongReport } from "../../../evaluation/long/longFindings.ts";
import type { SamplesConfig } from "../../../sampling/samplingConfig.ts";
import type { LongCost } from "./longCost.ts";

/** How often an object that goes out of sight comes back the same. */
export interface OcclusionReport {
  /** Clips drawn of objects that pass behind a bar. */
  readonly clips: number;
  /** Share of the clips whose object is out of sight at least once and comes back. */
  readonly hidden: Estimate;
  /** Of all those times, the share in which form, size and colour are the same after it; null where there are none. */
  readonly survived: Estimate | null;
}

/** Everything that `kinema evaluate --long` measured of a run. */
export interface LongEvaluation extends LongReport {
  readonly run: string;
  /** Step of the weights. */
  readonly step: number;
  readonly sampling: Pick<SamplesConfig, "sampler" | "guidance" | "rolling">;
  readonly seconds: number;
  readonly fps: number;
  readonly clips: number;
  /** Seconds of the beginning and of the end that are compared, and frames of the windows that are read. */
  readonly compared: { readonly beginSeconds: number; readonly endSeconds: number; readonly windowFrames: number };
  /** In clips as long as the model sees, and in long ones; not there where the world has no bars. */
  readonly occlusions?: { readonly short: OcclusionReport; readonly long: OcclusionReport };
  /** By length, shortest first. */
  readonly costs: readonly LongCost[];
  /** Peak memory of the longest against that of the shortest. */
  readonly memoryRatio: number;
  /** Seconds of processor time for each further second of clip: over the first half of the length and over the second. */
  readonly cpuSecondsPerSecond: readonly [number, number];
}
