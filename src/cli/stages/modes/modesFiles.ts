import type { Estimate } from "../../../evaluation/bootstrap.ts";
import { CLOSED_PIXELS } from "../../../evaluation/loops.ts";
import { KEPT_DB, type ModeFigures, type ModeReport } from "../../../evaluation/modes/modeReport.ts";
import { KEPT_PIXELS } from "../../../evaluation/positions.ts";
import { SMOOTH_PIXELS } from "../../../evaluation/seams.ts";
import { table } from "../../../report/table.ts";
import type { ModesEvaluation } from "./modesEvaluation.ts";

const ATTRIBUTES = ["all", "colour", "shape", "motion"] as const;

/** Everything as a table for the terminal. */
export function showModes({ modes, untrained }: ModesEvaluation): string {
  const entries = Object.entries(modes);
  const adherence = table([
    ["what prompts say, %", "cases", ...ATTRIBUTES, "", ...ATTRIBUTES.map((name) => `${name} - text`)],
    ...entries.map(([mode, report]) => [
      mode,
      String(report.adherence.n),
      ...ATTRIBUTES.map((name) =>
        ofMost(report.adherence[name] ?? undefined, report.vaeCeiling.adherence[name] ?? undefined),
      ),
      "",
      ...ATTRIBUTES.map((name) => points(againstText(report, name))),
    ]),
  ]);
  const measures = table([
    ["share of cases, %", ...MEASURES.map(({ title }) => title), "least dB", "median px at seams"],
    ...entries.map(([mode, report]) => [
      mode,
      ...MEASURES.map(({ of }) => ofMost(of(report)?.mean, of(report.vaeCeiling)?.mean)),
      report.context?.leastDb.toFixed(1) ?? "",
      report.seams === undefined ? "" : (report.seams.medianPixels?.toFixed(2) ?? "not seen"),
    ]),
  ]);
  const limits = `kept: given frames equal the VAE's to ${KEPT_DB} dB or more; smooth: the step at a seam within ${SMOOTH_PIXELS} pixels of its neighbours'; as smooth: no further from that than the true clip's through the VAE, to ${SMOOTH_PIXELS} pixels; closed: the closing step at most ${CLOSED_PIXELS} pixels longer than any other; in place: within ${KEPT_PIXELS} pixels in the mean; in parentheses: true clips through the VAE`;
  const missing = untrained.length === 0 ? [] : [`not trained for: ${untrained.join(", ")}`];
  return [adherence, measures, limits, ...missing].join("\n\n");
}

/** Figures by name: `evaluation/modes/loop/closed`. */
export function scalarsOfModes({ modes }: ModesEvaluation): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const [mode, report] of Object.entries(modes)) {
    const name = `evaluation/modes/${mode.replaceAll(" ", "-")}`;
    for (const attribute of ATTRIBUTES) {
      const share = report.adherence[attribute];
      if (share !== null) scalars[`${name}/${attribute}`] = share;
    }
    for (const { title, of } of MEASURES) {
      const share = of(report)?.mean;
      if (share !== undefined) scalars[`${name}/${title.replaceAll(" ", "-")}`] = share;
    }
  }
  return scalars;
}

const MEASURES: readonly { readonly title: string; readonly of: (report: ModeFigures) => Estimate | undefined }[] = [
  { title: "kept", of: ({ context }) => context?.kept },
  { title: "smooth", of: ({ seams }) => seams?.smooth },
  { title: "as smooth", of: ({ seams }) => seams?.asSmooth },
  { title: "closed", of: ({ loops }) => loops },
  { title: "arrives", of: ({ arrives }) => arrives },
  { title: "changed", of: ({ edits }) => edits?.changed },
  { title: "in place", of: ({ edits }) => edits?.inPlace },
  { title: "always in place", of: ({ edits }) => edits?.alwaysInPlace },
];

/** Difference to text to video with the same scenes; undefined where one of them says nothing. */
function againstText({ adherence, textAdherence }: ModeReport, name: (typeof ATTRIBUTES)[number]): number | undefined {
  const [own, text] = [adherence[name], textAdherence?.[name]];
  return own === null || text === null || text === undefined ? undefined : own - text;
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "" : (100 * share).toFixed(1);
}

/** A share, and in parentheses that of true clips through the VAE. */
function ofMost(share: number | undefined, most: number | undefined): string {
  return share === undefined || most === undefined ? percent(share) : `${percent(share)} (${percent(most)})`;
}

function points(difference: number | undefined): string {
  return difference === undefined ? "" : `${difference < 0 ? "" : "+"}${(100 * difference).toFixed(1)}`;
}
