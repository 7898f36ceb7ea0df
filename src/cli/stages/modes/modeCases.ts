import type { Video } from "../../../data/media/video.ts";
import type { ShapesConfig } from "../../../data/shapes/world.ts";
import { type CaseLayout, caseLayout } from "../../../evaluation/modes/caseLayout.ts";
import type { GivenFrames, MeasuredMode, ModeCase } from "../../../evaluation/modes/modeCase.ts";
import { windowOf } from "../../../evaluation/windows.ts";
import type { VaeCodec } from "../../../models/vae/vaeCodec.ts";
import type { LatentVideo } from "../../../sampling/latentVideo.ts";
import { animate } from "../../../sampling/modes/animate.ts";
import { connect, loop } from "../../../sampling/modes/connect.ts";
import { edit } from "../../../sampling/modes/edit.ts";
import { extendBackward, extendForward } from "../../../sampling/modes/extend.ts";
import { keyframes } from "../../../sampling/modes/keyframes.ts";
import { type ModePlan, type Reach, wholePart } from "../../../sampling/modes/modePlan.ts";
import { latentGridFor, type VideoModel } from "../../../sampling/textToVideo.ts";
import type { SizeInPixels } from "../windowWorld.ts";
import { clipOf, type WorldPrompt } from "../worldPrompts.ts";
import { editedScene } from "./editedScene.ts";

/** A case, and how its result is drawn. */
export interface DrawnCase {
  readonly wanted: ModeCase;
  readonly plan: ModePlan;
  /** The true clip through the VAE: the best that can be drawn. Results have its size and rate. */
  readonly best: Video;
}

/** What holds for all cases. */
export interface CaseOptions {
  /** World of the scenes, for what clips are edited to. */
  readonly world: ShapesConfig;
  readonly seed: number;
  /** Of edits, from 0 (as it is) to 1 (all new). */
  readonly strength: number;
  readonly reachOf: (size: SizeInPixels) => Reach;
}

/**
 * Makes a case of a mode from a true clip, as `caseLayout` says: part of the clip is encoded and given.
 * @param name names the noise. @param turn edits change colours and shapes by turns.
 * @throws UserError when the model or the world cannot do it.
 */
export async function modeCase(
  video: VideoModel,
  mode: MeasuredMode,
  prompt: WorldPrompt,
  { name, turn, ...options }: CaseOptions & { readonly name: string; readonly turn: number },
): Promise<DrawnCase> {
  const reach = options.reachOf(prompt.clip);
  const layout = caseLayout(mode, reach);
  const given: LatentVideo[] = [];
  const reconstructed: GivenFrames[] = [];
  for (const [first, end] of layout.given) {
    const latents = await encoded(video.codec, prompt.clip, first, end);
    given.push(latents);
    reconstructed.push({ first, frames_THWC: await video.codec.decode(latents.latent_thwz, latents.grid) });
  }
  const change = mode === "edit" ? editedScene(options.world, prompt.scene, turn, options.seed) : undefined;
  const { scene, caption } = change ?? prompt;
  const numShown = layout.frames - (layout.loops ? 1 : 0);
  const text = { prompt: caption, grid: latentGridFor(video, { ...prompt.clip, frames: layout.frames }) };
  const plan = planOf(mode, layout, { text, given, strength: options.strength, reach });
  return {
    wanted: {
      mode,
      scene,
      given: mode === "edit" ? [] : reconstructed,
      seams: layout.seams,
      loops: layout.loops,
      ...(change !== undefined && { edited: { source: prompt.clip, attribute: change.attribute } }),
    },
    plan: { ...plan, request: { ...plan.request, noiseKey: name } },
    best: await throughVae(video.codec, change === undefined ? prompt.clip : clipOf(change.scene), numShown),
  };
}

interface PlanParts {
  readonly text: ModePlan["request"];
  readonly given: readonly LatentVideo[];
  readonly strength: number;
  readonly reach: Reach;
}

/** The plan that draws what the layout leaves out. */
function planOf(mode: MeasuredMode, layout: CaseLayout, { text, given, strength, reach }: PlanParts): ModePlan {
  const { prompt } = text;
  const { frames } = layout;
  const [clip, to] = given as readonly [LatentVideo, LatentVideo];
  const [first, end] = layout.given[0] ?? [0, 0];
  const [second] = layout.given[1] ?? [frames];
  switch (mode) {
    case "text":
    case "image":
      return { request: text, parts: (drawn) => wholePart(drawn, reach.time) };
    case "animate":
      return animate({ prompt, image: clip, frames }, reach);
    case "extend forward":
      return extendForward({ prompt, clip, frames: frames - end }, reach);
    case "extend backward":
      return extendBackward({ prompt, clip, frames: first }, reach);
    case "loop":
      return loop({ prompt, clip, frames: frames - 1 - end }, reach);
    case "connect":
      return connect({ prompt, from: clip, to, frames: second - end }, reach);
    case "edit":
      return edit({ prompt, clip, strength }, reach);
    case "keyframes": {
      const shown = layout.given.map(([frame], i) => ({ frame, image: given[i] as LatentVideo }));
      return keyframes({ prompt, keyframes: shown, frames }, reach);
    }
  }
}

/** The first frames of a clip as the VAE has them. */
async function throughVae(codec: VaeCodec, clip: Video, frames: number): Promise<Video> {
  const { grid, latent_thwz } = await encoded(codec, clip, 0, clip.frames);
  return windowOf({ ...clip, frames_THWC: await codec.decode(latent_thwz, grid) }, 0, frames);
}

/** Latents of some of a clip's frames, encoded as a clip of their own. */
async function encoded(codec: VaeCodec, clip: Video, first: number, end: number): Promise<LatentVideo> {
  const size = clip.frames_THWC.length / clip.frames;
  const grid = { t: end - first, h: clip.height, w: clip.width };
  const latent_thwz = await codec.encode(clip.frames_THWC.subarray(first * size, end * size), grid);
  return { grid: codec.latentGrid(grid), latent_thwz };
}
