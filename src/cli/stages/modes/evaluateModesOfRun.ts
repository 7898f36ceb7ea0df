import { join } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { makeFolder } from "../../../base/files.ts";
import { MEASURED_MODES, type MeasuredMode } from "../../../evaluation/modes/modeCase.ts";
import { EVALUATION, evaluationPath } from "../evaluationFiles.ts";
import { videosSheet } from "../pictures.ts";
import { type MeasureOptions, withWorldModel } from "../worldModel.ts";
import { evaluateModes, refuseModes } from "./evaluateModes.ts";
import type { ModesEvaluation } from "./modesEvaluation.ts";

export interface EvaluateModesOfRunOptions extends MeasureOptions {
  readonly modes: readonly MeasuredMode[];
  /** Cases of each mode. */
  readonly cases: number;
  /** Of edits, from 0 (as it is) to 1 (all new). */
  readonly strength: number;
}

/** Measures the modes of a run, and draws a contact sheet of some results into its folder. */
export function evaluateModesOfRun(runDir: string, options: EvaluateModesOfRunOptions): Promise<ModesEvaluation> {
  const { modes, cases, strength } = options;
  return withWorldModel(
    runDir,
    "--modes",
    options,
    (known, world) => refuseModes(known, world, modes),
    async ({ model, world, drawing }) => {
      const { shown, ...measured } = await evaluateModes(model, world, { ...drawing, modes, cases, strength });
      await makeFolder(join(runDir, EVALUATION));
      await videosSheet(evaluationPath(runDir, model.step, ".png", "modes"), shown);
      const { sampler, guidance } = drawing;
      return { run: runDir, step: model.step, sampling: { sampler, guidance }, strength, ...measured };
    },
  );
}

/** Modes by name: `animate,loop`; all of them where nothing is named. @throws UserError for one that is none. */
export function parseModes(text: string): readonly MeasuredMode[] {
  if (text.trim() === "") return MEASURED_MODES;
  return text.split(",").map((name) => {
    const mode = MEASURED_MODES.find((known) => known === name.trim());
    if (mode !== undefined) return mode;
    throw new UserError("--modes", { expected: `some of ${MEASURED_MODES.join(", ")}`, got: JSON.stringify(name) });
  });
}
