import { writeVideo } from "../../data/media/encode.ts";
import { writeStrip } from "../../data/media/picture.ts";
import { numStepsOf } from "../../diffusion/sampler.ts";
import type { ClipRequest } from "../../sampling/samplingConfig.ts";
import { type DrawOptions, textToVideo, type VideoModel } from "../../sampling/textToVideo.ts";
import { prepareOut } from "./outFile.ts";
import { upscaleFor } from "./pictures.ts";
import { withProgress } from "./withProgress.ts";

export interface DrawToFiles extends DrawOptions {
  readonly fps: number;
  /** Path of the file; without an ending the best format here is used. Several clips are numbered. */
  readonly out: string;
}

/** A clip and where it was written. */
export interface DrawnClip extends ClipRequest {
  readonly file: string;
  /** PNG with all frames side by side. */
  readonly strip: string;
}

/** Draws clips and writes each as a video with a strip of its frames beside it. */
export async function drawClips(
  model: VideoModel,
  requests: readonly ClipRequest[],
  options: DrawToFiles,
): Promise<DrawnClip[]> {
  const { stem, ending } = await prepareOut(options.out);
  const clips = await withProgress("sample", numStepsOf(options.sampler), (update) =>
    textToVideo(model, requests, { ...options, onStep: (step) => update(step) }),
  );
  const drawn: DrawnClip[] = [];
  for (const [i, request] of requests.entries()) {
    const name = requests.length === 1 ? stem : `${stem}-${i + 1}`;
    const video = { ...request, frames_THWC: clips[i] as Uint8Array, fps: options.fps };
    const upscale = upscaleFor(Math.max(request.height, request.width));
    await writeVideo(`${name}${ending}`, video, { upscale });
    await writeStrip(`${name}.png`, video, { upscale });
    drawn.push({ ...request, file: `${name}${ending}`, strip: `${name}.png` });
  }
  return drawn;
}
