import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../base/files.ts";
import type { AdherenceReport } from "../../evaluation/adherenceReport.ts";
import { table } from "../../report/table.ts";
import { TensorBoardWriter } from "../../report/tensorboard.ts";
import type { Evaluation } from "./evaluation.ts";

/** Folder of a run's evaluations. */
export const EVALUATION = "evaluation";

/** What was evaluated: a run as a whole, its modes, or its long clips. */
export type Evaluated = "run" | "modes" | "long";

/** Where the evaluation of a step goes: `evaluation/step-120.json`, `evaluation/modes-step-120.json`. */
export function evaluationPath(runDir: string, step: number, ending: string, what: Evaluated = "run"): string {
  return join(runDir, EVALUATION, `${what === "run" ? "" : `${what}-`}step-${step}${ending}`);
}

/** Writes the evaluation of a run into its folder. @returns where. */
export function writeEvaluation(runDir: string, result: Evaluation): Promise<string> {
  return writeFigures(runDir, "run", result, scalarsOf(result));
}

/** Writes figures as JSON and as TensorBoard scalars into the run's folder. @returns where the JSON is. */
export async function writeFigures(
  runDir: string,
  what: Evaluated,
  result: { readonly step: number },
  scalars: Readonly<Record<string, number>>,
): Promise<string> {
  const path = evaluationPath(runDir, result.step, ".json", what);
  await makeFolder(join(runDir, EVALUATION));
  await writeFileAtomic(path, `${JSON.stringify(result, null, 2)}\n`);
  const board = new TensorBoardWriter(join(runDir, "tb"));
  board.scalars(scalars, result.step);
  await board.close();
  return path;
}

function scalarsOf({ adherence, vae, loss, flicker, ftd, nearest }: Evaluation): Record<string, number> {
  const scalars: Record<string, number | null | undefined> = {
    "evaluation/psnr": vae.psnr,
    "evaluation/ssim": vae.ssim,
    "evaluation/loss": loss?.mean,
    "evaluation/flicker": flicker?.drawn,
    "evaluation/ftd": ftd,
    "evaluation/nearest": nearest?.mean,
  };
  for (const [split, report] of Object.entries(adherence ?? {})) {
    for (const name of ATTRIBUTES) scalars[`evaluation/${split}/${name}`] = report[name];
  }
  return Object.fromEntries(
    Object.entries(scalars).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}

const ATTRIBUTES = ["all", "colour", "shape", "motion", "size", "count", "relation", "identity"] as const;

/** The evaluation as tables for the terminal. */
export function showEvaluation(result: Evaluation): string {
  const parts: string[] = [];
  const { adherence, vae, loss, flicker, ftd, nearest } = result;
  if (adherence !== undefined) {
    const { seen, heldOut, vaeCeiling } = adherence;
    const columns = [
      { name: `seen (${seen.n})`, report: seen },
      ...(heldOut === undefined ? [] : [{ name: `held out (${heldOut.n})`, report: heldOut }]),
      { name: "through the VAE", report: vaeCeiling },
    ];
    const told = ATTRIBUTES.filter((name) => seen[name] !== null);
    parts.push(
      table([
        ["what captions say, %", ...columns.map(({ name }) => name)],
        ...told.map((name) => [name, ...columns.map(({ report }) => percent(report, name))]),
      ]),
    );
  }
  const levels = Object.keys(Object.values(loss?.buckets ?? {})[0] ?? {});
  parts.push(
    table([
      ["size", "PSNR dB", "SSIM", ...levels.map((level) => `loss at ${level}`)],
      ...Object.entries(vae.buckets).map(([bucket, { psnr, ssim }]) => [
        bucket,
        psnr.toFixed(2),
        ssim.toFixed(4),
        ...levels.map((level) => loss?.buckets[bucket]?.[level]?.toFixed(4) ?? ""),
      ]),
      [
        "all",
        vae.psnr.toFixed(2),
        vae.ssim.toFixed(4),
        ...(loss === undefined ? [] : [`mean ${loss.mean.toFixed(4)}`]),
      ],
    ]),
  );
  const lines = [
    ...(flicker === undefined
      ? []
      : [
          `flicker ${(100 * flicker.drawn).toFixed(3)} % of the range, of real clips ${(100 * flicker.real).toFixed(3)} %`,
        ]),
    ...(ftd === undefined ? [] : [`Frechet thumbnail distance ${ftd.toFixed(1)}`]),
    ...(nearest === undefined
      ? []
      : [`nearest clip of the data is the captioned one: ${(100 * nearest.mean).toFixed(0)} % of ${nearest.n}`]),
  ];
  return [...parts, ...(lines.length === 0 ? [] : [lines.join("\n")])].join("\n\n");
}

function percent(report: AdherenceReport, name: (typeof ATTRIBUTES)[number]): string {
  const [value, interval] = [report[name], report.ci95[name]];
  if (value === null || interval === undefined) return "";
  const [low, high] = interval.map((end) => (100 * end).toFixed(0));
  return `${(100 * value).toFixed(1)} (${low}-${high})`;
}
