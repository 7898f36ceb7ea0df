import { UserError } from "../../../base/errors.ts";
import type { Video } from "../../../data/media/video.ts";
import type { ShapesConfig } from "../../../data/shapes/world.ts";
import type { AdherenceReport } from "../../../evaluation/adherenceReport.ts";
import { LEAST_WINDOW } from "../../../evaluation/modes/caseLayout.ts";
import { type Findings, findingsOf } from "../../../evaluation/modes/findings.ts";
import type { MeasuredMode, ModeCase } from "../../../evaluation/modes/modeCase.ts";
import { type ModeReport, reportMode } from "../../../evaluation/modes/modeReport.ts";
import { drawPlans } from "../../../sampling/drawPlans.ts";
import type { Reach } from "../../../sampling/modes/modePlan.ts";
import { isTrainedFor, refuseUntrained } from "../../../sampling/modes/trained.ts";
import type { DrawOptions } from "../../../sampling/textToVideo.ts";
import type { KnownModel, OpenModel } from "../openModel.ts";
import { reachAt } from "../reach.ts";
import { reachWithoutCutting, returningWorld, stillWorld, windowWorld } from "../windowWorld.ts";
import { withProgress } from "../withProgress.ts";
import { type WorldPrompt, worldPrompts } from "../worldPrompts.ts";
import { type CaseOptions, type DrawnCase, modeCase } from "./modeCases.ts";

export interface EvaluateModesOptions extends DrawOptions {
  readonly modes: readonly MeasuredMode[];
  /** Cases of each mode. */
  readonly cases: number;
  /** Of edits, from 0 (as it is) to 1 (all new). */
  readonly strength: number;
}

/** Results to look at, of each mode; of an edit the source too. */
const SHOWN = 2;

/** Figures of each mode, and some results. */
export interface MeasuredModes {
  readonly modes: Readonly<Partial<Record<MeasuredMode, ModeReport>>>;
  readonly untrained: readonly MeasuredMode[];
  readonly shown: readonly Video[];
}

/** Cases of a mode. */
interface CaseSet {
  readonly mode: MeasuredMode;
  /** What the scenes are of: those of text to video are drawn for every kind that a mode is compared on. */
  readonly scenes: "moving" | "returning" | "still";
  readonly prompts: readonly WorldPrompt[];
}

/** A clip, and what it should be. */
interface Result {
  readonly wanted: ModeCase;
  readonly clip: Video;
}

/**
 * Measures modes on a shapes world, with true clips of it of which part is given; see `caseLayout`. Loops are made of
 * scenes that end where they begin, pictures of single frames, all else of the same scenes. Each mode is compared with
 * text to video of its own scenes (pictures: of the moving ones), which is drawn whether it is asked for or not.
 * @throws UserError when the model sees too little.
 */
export async function evaluateModes(
  model: OpenModel,
  config: ShapesConfig,
  options: EvaluateModesOptions,
): Promise<MeasuredModes> {
  const world = worldFor(model, config);
  const trained = options.modes.filter((mode) => isTrained(model, mode));
  const sets = caseSets(world, trained, options);
  const cases = await makeCases(model, sets, { ...options, world, reachOf: (size) => reachAt(model, size) });
  const results = await drawCases(model, cases, options);
  const found = await judged("judge", results);
  const best = await judged(
    "judge true clips",
    cases.map(({ wanted, best: clip }) => ({ wanted, clip })),
  );
  const of = <T>(all: readonly T[], set: CaseSet): readonly T[] => {
    const first = sets.indexOf(set) * options.cases;
    return all.slice(first, first + options.cases);
  };
  const modes: Partial<Record<MeasuredMode, ModeReport>> = {};
  const texts = new Map<CaseSet["scenes"], AdherenceReport>();
  for (const set of sets) {
    const scenes = set.scenes === "still" ? "moving" : set.scenes;
    const wanted = of(results, set).map((result) => result.wanted);
    const text = set.mode === "text" ? undefined : texts.get(scenes);
    const figures = reportMode(wanted, of(found, set), of(best, set));
    if (set.mode === "text") texts.set(set.scenes, figures.adherence);
    if (set.mode === "text" && set.scenes !== "moving") continue;
    const { context: _, arrives: __, ...vaeCeiling } = reportMode(wanted, of(best, set));
    modes[set.mode] = { ...figures, ...(text !== undefined && { textAdherence: text }), vaeCeiling };
  }
  return {
    modes,
    untrained: options.modes.filter((mode) => !trained.includes(mode)),
    shown: sets.flatMap((set) => of(results, set).slice(0, SHOWN).flatMap(shownOf)),
  };
}

/** @throws UserError when the model sees too little for its modes to be measured, or was trained for none of them. */
export function refuseModes(known: KnownModel, config: ShapesConfig, modes: readonly MeasuredMode[]): void {
  worldFor(known, config);
  const [first] = modes;
  if (first === undefined || modes.some((mode) => isTrained(known, mode))) return;
  if (first !== "text" && first !== "image") refuseUntrained(first, known.recipe.objective.conditioning);
}

function worldFor(known: KnownModel, config: ShapesConfig): ShapesConfig {
  const reachOf = reachWithoutCutting(known);
  const isEnough = (reach: Reach | undefined): boolean => reach !== undefined && reach.window >= LEAST_WINDOW;
  const world = windowWorld(config, (size) => (isEnough(reachOf(size)) ? reachOf(size) : undefined));
  if (world !== undefined) return world;
  const longest = Math.max(0, ...config.buckets.map((bucket) => reachOf(bucket)?.window ?? 0));
  const expected = `a model that draws at least ${LEAST_WINDOW} latent frames at once`;
  throw new UserError("--modes", { expected, got: `one that draws ${longest}` });
}

function isTrained({ recipe }: KnownModel, mode: MeasuredMode): boolean {
  return mode === "text" || mode === "image" || isTrainedFor(mode, recipe.objective.conditioning);
}

/** Sets of cases, those of text to video before what is compared with them. */
function caseSets(
  world: ShapesConfig,
  modes: readonly MeasuredMode[],
  { cases, seed }: EvaluateModesOptions,
): CaseSet[] {
  const scenes = {
    moving: worldPrompts(world, "seen", cases, seed),
    returning: worldPrompts(returningWorld(world), "seen", cases, seed),
    still: worldPrompts(stillWorld(world), "seen", cases, seed),
  };
  const kindOf = (mode: MeasuredMode): CaseSet["scenes"] =>
    mode === "loop" ? "returning" : mode === "image" ? "still" : "moving";
  const set = (mode: MeasuredMode, kind: CaseSet["scenes"]): CaseSet => ({ mode, scenes: kind, prompts: scenes[kind] });
  const loops = modes.includes("loop");
  return [
    ...(modes.some((mode) => mode !== "loop") ? [set("text", "moving")] : []),
    ...(loops ? [set("text", "returning")] : []),
    ...modes.filter((mode) => mode !== "text").map((mode) => set(mode, kindOf(mode))),
  ];
}

async function makeCases(model: OpenModel, sets: readonly CaseSet[], options: CaseOptions): Promise<DrawnCase[]> {
  const cases: DrawnCase[] = [];
  const total = sets.reduce((sum, { prompts }) => sum + prompts.length, 0);
  await withProgress("make cases", total, async (update) => {
    for (const { mode, scenes, prompts } of sets) {
      for (const [i, prompt] of prompts.entries()) {
        cases.push(await modeCase(model, mode, prompt, { ...options, name: `${mode} ${scenes} ${i}`, turn: i }));
        update(cases.length);
      }
    }
  });
  return cases;
}

async function drawCases(model: OpenModel, cases: readonly DrawnCase[], options: DrawOptions): Promise<Result[]> {
  const plans = cases.map(({ plan }) => plan);
  const clips = await withProgress("draw clips", plans.length, (onClips) =>
    drawPlans(model, plans, { ...options, onClips }),
  );
  return cases.map(({ wanted, best }, i) => ({ wanted, clip: { ...best, frames_THWC: clips[i] as Uint8Array } }));
}

async function judged(title: string, results: readonly Result[]): Promise<Findings[]> {
  return withProgress(title, results.length, async (update) =>
    results.map(({ wanted, clip }, i) => {
      const found = findingsOf(wanted, clip);
      update(i + 1);
      return found;
    }),
  );
}

/** A result to look at, of an edit below its source. */
function shownOf({ wanted: { edited }, clip }: Result): Video[] {
  return edited === undefined ? [clip] : [edited.source, clip];
}
