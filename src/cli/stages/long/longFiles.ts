import { table } from "../../../report/table.ts";
import type { LongEvaluation, OcclusionReport } from "./longEvaluation.ts";

const ATTRIBUTES = ["all", "colour", "shape", "motion"] as const;

/** Everything as tables for the terminal. */
export function showLong(result: LongEvaluation): string {
  const { begin, end, colourKept, compared, occlusions, costs, memoryRatio, clips, seconds, fps } = result;
  const { beginSeconds, endSeconds, windowFrames } = compared;
  const adherence = table([
    ["what prompts say, %", `first ${beginSeconds} s (${begin.n})`, `last ${endSeconds} s (${end.n})`, "change"],
    ...ATTRIBUTES.map((name) => [
      name,
      percent(begin[name]),
      percent(end[name]),
      points((end[name] ?? 0) - (begin[name] ?? 0)),
    ]),
  ]);
  const cost = table([
    ["length", "peak MiB", "cpu s", "wall s"],
    ...costs.map(({ frames, peakMb, cpuSeconds, wallSeconds }) => [
      `${(frames / fps).toFixed(1)} s`,
      peakMb.toFixed(0),
      cpuSeconds.toFixed(1),
      wallSeconds.toFixed(1),
    ]),
  ]);
  const [first, second] = result.cpuSecondsPerSecond;
  const lines = [
    `${clips} clips of ${seconds} s, read in windows of ${windowFrames} frames`,
    `one colour all the way: ${percent(colourKept.mean)} % of the clips`,
    ...(occlusions === undefined
      ? []
      : [
          `out of sight and back the same: ${told(occlusions.long)}; in clips of ${windowFrames} frames ${told(occlusions.short)}`,
        ]),
    `peak memory ${memoryRatio.toFixed(2)} times that of the shortest; a further second of clip takes ${first.toFixed(2)} s of the processors in the first half of the length, ${second.toFixed(2)} s in the second`,
  ];
  return [adherence, cost, lines.join("\n")].join("\n\n");
}

/** Figures by name: `evaluation/long/end/colour`. */
export function scalarsOfLong(result: LongEvaluation): Record<string, number> {
  const { colourKept, occlusions, memoryRatio, cpuSecondsPerSecond } = result;
  const scalars: Record<string, number | null | undefined> = {
    "evaluation/long/colour-kept": colourKept.mean,
    "evaluation/long/survived": occlusions?.long.survived?.mean,
    "evaluation/long/survived-short": occlusions?.short.survived?.mean,
    "evaluation/long/memory-ratio": memoryRatio,
    "evaluation/long/cpu-seconds-per-second": cpuSecondsPerSecond[1],
  };
  for (const part of ["begin", "end"] as const) {
    for (const name of ATTRIBUTES) scalars[`evaluation/long/${part}/${name}`] = result[part][name];
  }
  return Object.fromEntries(
    Object.entries(scalars).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}

function told({ clips, hidden, survived }: OcclusionReport): string {
  const share = survived === null ? "never" : `${percent(survived.mean)} % of ${survived.n} times`;
  return `${share} (in ${percent(hidden.mean)} % of ${clips} clips)`;
}

function percent(share: number | null): string {
  return share === null ? "" : (100 * share).toFixed(1);
}

function points(difference: number): string {
  return `${difference < 0 ? "" : "+"}${(100 * difference).toFixed(1)}`;
}
