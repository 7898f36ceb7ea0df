import { type AdherenceReport, reportAdherence } from "../adherenceReport.ts";
import { bootstrapMean, type Estimate } from "../bootstrap.ts";
import { CLOSED_PIXELS } from "../loops.ts";
import { KEPT_PIXELS } from "../positions.ts";
import { SMOOTH_PIXELS } from "../seams.ts";
import type { Findings } from "./findings.ts";
import type { ModeCase } from "./modeCase.ts";

/** Given frames count as kept from this PSNR on against the VAE's reconstruction, in dB. */
export const KEPT_DB = 45;

/** How well clips of one mode are what they should be. Shares are of cases; what a mode says nothing of is not there. */
export interface ModeFigures {
  /** Of the whole clips, given frames included, against what their prompts say. */
  readonly adherence: AdherenceReport;
  /** All given frames equal the VAE's reconstruction, by `KEPT_DB`; and the least PSNR of any, in dB. */
  readonly context?: { readonly kept: Estimate; readonly leastDb: number };
  /** Every seam is smooth, by `SMOOTH_PIXELS`; and the median over cases of the largest jump, in pixels. */
  readonly seams?: {
    readonly smooth: Estimate;
    readonly medianPixels: number | null;
    /**
     * At no seam more than `SMOOTH_PIXELS` are added to the jump of the true clip through the VAE at that seam: what the
     * VAE does to fast objects is no fault of the model. Not there for those clips themselves.
     */
    readonly asSmooth?: Estimate;
  };
  /** The step from the last to the first frame is no longer than the others, by `CLOSED_PIXELS`. */
  readonly loops?: Estimate;
  /** The second clip's frames are kept, and the seam that leads to them is smooth. */
  readonly arrives?: Estimate;
  readonly edits?: {
    /** What the prompt changes is read as it says. */
    readonly changed: Estimate;
    /** The object is where it was, by `KEPT_PIXELS`, in the mean over the frames. */
    readonly inPlace: Estimate;
    /** The same in every frame. */
    readonly alwaysInPlace: Estimate;
  };
}

/** What a model draws in one mode, and what it can be held against. */
export interface ModeReport extends ModeFigures {
  /** Of plain text to video with the same scenes. Not there for text to video itself. */
  readonly textAdherence?: AdherenceReport;
  /** Of the true clips through the VAE: the most that a model of its latents can reach, and how exact the judge is. */
  readonly vaeCeiling: Omit<ModeFigures, "context" | "arrives">;
}

/**
 * Sums up the clips of one mode.
 * @param findings of the cases, in their order; at least one.
 * @param best those of the true clips through the VAE, to compare with.
 */
export function reportMode(
  cases: readonly ModeCase[],
  findings: readonly Findings[],
  best?: readonly Findings[],
): ModeFigures {
  const share = (test: (found: Findings) => boolean): Estimate =>
    bootstrapMean(findings.map((one) => Number(test(one))));
  const isKept = (db: number): boolean => db >= KEPT_DB;
  const isSmooth = (jump: number): boolean => jump <= SMOOTH_PIXELS;
  const [first] = cases;
  const scenes = cases.map(({ scene }) => scene);
  const readings = findings.map(({ reading }) => reading);
  return {
    adherence: reportAdherence(scenes, readings),
    ...(first !== undefined &&
      first.given.length > 0 && {
        context: {
          kept: share(({ context }) => context.every(isKept)),
          leastDb: Math.min(...findings.flatMap(({ context }) => context)),
        },
      }),
    ...(first !== undefined &&
      first.seams.length > 0 && {
        seams: {
          smooth: share(({ jumps }) => jumps.every(isSmooth)),
          medianPixels: finiteMedian(findings.map(({ jumps }) => Math.max(...jumps))),
          ...(best !== undefined && {
            asSmooth: bootstrapMean(findings.map((found, i) => addsNoJump(found, best[i]))),
          }),
        },
      }),
    ...(first?.loops === true && {
      loops: share(({ closing = Number.POSITIVE_INFINITY }) => closing <= CLOSED_PIXELS),
    }),
    ...(first?.mode === "connect" && {
      arrives: share(({ context, jumps }) => isKept(context.at(-1) ?? 0) && isSmooth(jumps.at(-1) ?? Number.NaN)),
    }),
    ...(first?.edited !== undefined && {
      edits: {
        changed: share(({ changed }) => changed === true),
        inPlace: share(({ moved }) => moved !== undefined && moved.mean <= KEPT_PIXELS),
        alwaysInPlace: share(({ moved }) => moved !== undefined && moved.most <= KEPT_PIXELS),
      },
    }),
  };
}

/** 1 when no seam jumps further than that of the best clip by more than what is smooth, else 0. */
function addsNoJump({ jumps }: Findings, best: Findings | undefined): number {
  const ofBest = (i: number): number => {
    const jump = best?.jumps[i] ?? 0;
    return Number.isFinite(jump) ? jump : 0;
  };
  return Number(jumps.every((jump, i) => jump - ofBest(i) <= SMOOTH_PIXELS));
}

/** Null where half of the values or more are infinite. */
function finiteMedian(values: readonly number[]): number | null {
  const median = [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  return median === undefined || !Number.isFinite(median) ? null : median;
}
