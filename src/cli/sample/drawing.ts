import { assert, UserError } from "../../base/errors.ts";
import { type Grid, gridSize } from "../../base/grid.ts";
import type { ClipShape } from "../../data/clip.ts";
import { latentGrid, vaeFactor } from "../../models/vae/vaeConfig.ts";
import { drawnGrid } from "../../sampling/drawLatents.ts";
import type { LatentVideo } from "../../sampling/latentVideo.ts";
import { animate } from "../../sampling/modes/animate.ts";
import { connect, loop } from "../../sampling/modes/connect.ts";
import { edit } from "../../sampling/modes/edit.ts";
import { extendBackward, extendForward } from "../../sampling/modes/extend.ts";
import { keyframes } from "../../sampling/modes/keyframes.ts";
import { framesOf, type ModePlan, type Reach, wholePart } from "../../sampling/modes/modePlan.ts";
import type { ClipRequest } from "../../sampling/samplingConfig.ts";
import type { KnownModel } from "../stages/openModel.ts";
import { reachAt } from "../stages/reach.ts";
import type { Intent } from "./intent.ts";
import type { TimedPrompt } from "./prompts.ts";
import { framesIn } from "./seconds.ts";

/** One result to draw. */
export interface Drawing {
  readonly prompt: string;
  readonly shape: ClipShape;
  readonly plan: ModePlan;
  /** For what is drawn in two goes: the second, from what the first drew. */
  readonly next?: (drawn: LatentVideo) => ModePlan;
}

/** What a drawing is made for. */
export interface DrawingFor {
  readonly intent: Intent;
  readonly prompt: string;
  /** What it shows later, in the order of the times. */
  readonly later: readonly TimedPrompt[];
  /** Length of the result in frames, where it was asked for; for text and pictures always. */
  readonly frames: number | undefined;
  /** Frames are rounded up to what the VAE makes and cut again; where they were asked for to the frame, refused. */
  readonly exact: boolean;
  readonly height: number;
  readonly width: number;
}

/**
 * Plans a result from what is given, encoded, in the order of the intent's files.
 * @throws UserError when the model or its VAE cannot do it.
 */
export function drawingOf(known: KnownModel, wanted: DrawingFor, given: readonly LatentVideo[], reach: Reach): Drawing {
  const { intent, prompt, height, width } = wanted;
  const { fps } = known.facts;
  const whole = (plan: ModePlan, most = Number.POSITIVE_INFINITY): Drawing => {
    const shape = { frames: Math.min(most, shownBy(known, plan)), height, width };
    return { prompt: wordsOf(wanted), plan: changing(plan, wanted, { fps, time: reach.time, ...shape }), shape };
  };
  const at = (index: number): LatentVideo => {
    const latents = given[index];
    assert(latents !== undefined, `what is given for ${intent.mode}`);
    return latents;
  };
  switch (intent.mode) {
    case "text":
      return whole(textPlan(known, wanted), wanted.frames);
    case "animate":
      return whole(animate({ prompt, image: at(0), frames: wanted.frames ?? 1 }, reach), wanted.frames);
    case "extend forward":
      return whole(extendForward({ prompt, clip: at(0), frames: framesIn(intent.seconds, fps) }, reach));
    case "extend backward":
      return whole(extendBackward({ prompt, clip: at(0), frames: framesIn(intent.seconds, fps) }, reach));
    case "loop": {
      if (intent.video === undefined) return loopOfText(known, wanted, reach);
      const frames = bridgeFrames(wanted, framesOf(at(0).grid.t, reach.time), reach);
      return whole(loop({ prompt, clip: at(0), frames }, reach));
    }
    case "connect":
      return whole(connect({ prompt, from: at(0), to: at(1), frames: framesIn(intent.seconds, fps) }, reach));
    case "edit":
      refuseLongEdit(at(0), reach, fps);
      return whole(edit({ prompt, clip: at(0), strength: intent.strength }, reach));
    case "keyframes": {
      const frameOf = (seconds: number): number => Math.round(seconds * fps);
      const images = intent.keyframes.map(({ seconds }, i) => ({ frame: frameOf(seconds), image: at(i) }));
      return whole(keyframes({ prompt, keyframes: images, frames: wanted.frames ?? 1 }, reach), wanted.frames);
    }
  }
}

/** The plan with the prompts that come later, each from the latent frame that shows its time. */
function changing(
  plan: ModePlan,
  { later }: DrawingFor,
  { fps, time, frames }: { fps: number; time: number; frames: number },
): ModePlan {
  if (later.length === 0) return plan;
  const last = later.at(-1)?.seconds ?? 0;
  if (last * fps >= frames) {
    const expected = `times before the clip ends, at ${(frames / fps).toFixed(2)} s`;
    throw new UserError("--prompt", { expected, got: `${last} s`, try: "--seconds" });
  }
  const from = (seconds: number): number => Math.ceil(Math.round(seconds * fps) / time);
  const timed = later.map(({ seconds, prompt }) => ({ from: from(seconds), prompt }));
  return { ...plan, request: { ...plan.request, later: timed } };
}

/** All prompts of a clip, as they are told. */
function wordsOf({ prompt, later }: DrawingFor): string {
  return [prompt, ...later.map((entry) => `from ${entry.seconds}s: ${entry.prompt}`)].join(", ");
}

/** A clip of a recipe's list. @throws UserError when the VAE's factors do not divide it. */
export function textDrawing(known: KnownModel, request: ClipRequest): Drawing {
  return drawingOf(
    known,
    { intent: { mode: "text" }, later: [], exact: true, ...request },
    [],
    reachAt(known, request),
  );
}

/** Latents of nothing, to plan with before anything is encoded. @param grid in latent cells. */
export function blankLatents({ vae }: KnownModel, grid: Grid): LatentVideo {
  return { grid, latent_thwz: new Float32Array(gridSize(grid) * vae.config.latentChannels) };
}

/** @throws UserError when clips of a size cannot be latents, or those not tokens. */
export function checkSize({ vae, recipe }: KnownModel, { height, width }: { height: number; width: number }): void {
  const [, space] = vaeFactor(vae.config);
  const [, ph, pw] = recipe.dit.patch;
  if (height % (space * ph) === 0 && width % (space * pw) === 0) return;
  const [high, wide] = [space * ph, space * pw];
  const near = (side: number, of: number): number => Math.max(1, Math.round(side / of)) * of;
  throw new UserError("--height --width", {
    expected: `multiples of ${high} and ${wide} for what a video or picture is fitted to`,
    got: `${height} and ${width}`,
    try: `${near(height, high)} and ${near(width, wide)}`,
  });
}

/** Latent frames that are drawn for so many frames. */
export function latentsFor(frames: number, time: number): number {
  return 1 + Math.ceil((frames - 1) / time);
}

function textPlan({ vae, recipe }: KnownModel, { prompt, frames = 1, exact, height, width }: DrawingFor): ModePlan {
  const factor = vaeFactor(vae.config);
  const [time] = factor;
  const t = exact ? frames : framesOf(latentsFor(frames, time), time);
  const grid = drawnGrid(latentGrid({ t, h: height, w: width }, factor), recipe.dit.patch);
  return { request: { prompt, grid }, parts: (drawn) => wholePart(drawn, time) };
}

/** A clip drawn from text, and then what leads from its end back to its beginning. */
function loopOfText(known: KnownModel, wanted: DrawingFor, reach: Reach): Drawing {
  const { prompt, height, width } = wanted;
  const { time, window } = reach;
  const bridge = bridgeOf(reach);
  const frames = wanted.frames ?? framesOf(window, time);
  const numFirst = 1 + Math.floor((frames - bridge - 1) / time);
  if (numFirst < 1) {
    const expected = `at least ${bridge + 1} frames, ${bridge} of which lead back to the first`;
    throw new UserError("--loop", { expected, got: String(frames) });
  }
  const plan = textPlan(known, { ...wanted, frames: framesOf(numFirst, time), exact: false });
  const next = (clip: LatentVideo): ModePlan =>
    loop({ prompt, clip, frames: frames - framesOf(numFirst, time) }, reach);
  const shown = shownBy(known, next(blankLatents(known, plan.request.grid)));
  return { prompt, plan, next, shape: { frames: shown, height, width } };
}

function refuseLongEdit({ grid }: LatentVideo, { window, time }: Reach, fps: number): void {
  if (grid.t <= window) return;
  const expected = `a video of at most ${framesOf(window, time)} frames at ${fps} a second, as in training`;
  throw new UserError("--edit", { expected, got: `${framesOf(grid.t, time)}` });
}

/** Frames from the end of a clip to its beginning, by default: half of what the model sees. */
function bridgeOf({ time, window }: Reach): number {
  return Math.max(1, Math.max(1, Math.floor(window / 2)) * time - (time > 1 ? 1 : 0));
}

function bridgeFrames({ frames }: DrawingFor, ofClip: number, reach: Reach): number {
  if (frames === undefined) return bridgeOf(reach);
  if (frames > ofClip) return frames - ofClip;
  throw new UserError("--loop", { expected: `a length beyond the video's own ${ofClip} frames`, got: String(frames) });
}

/** Frames that a plan's result has. */
function shownBy(known: KnownModel, plan: ModePlan): number {
  const parts = plan.parts(blankLatents(known, plan.request.grid));
  return parts.reduce((sum, { shown }) => sum + shown[1] - shown[0], 0);
}
