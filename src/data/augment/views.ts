import { UserError } from "../../base/errors.ts";
import { type ClipShape, shapeKey } from "../clip.ts";
import type { AugmentConfig } from "./augmentConfig.ts";

/** A way to show a clip, known before it is read: every `stride`-th frame, and frames, height and width of the result. */
export interface ClipView extends ClipShape {
  readonly stride: number;
}

/** A clip as it can be named: its shape and where it came from. */
export interface NamedShape extends ClipShape {
  readonly source: string;
}

/** Every way to show each of the clips. */
export interface Views {
  /** One list for each clip, in their order; empty for a clip that is too short or too small for all. */
  readonly views: readonly (readonly ClipView[])[];
  /** A line for each stride and crop that some clips do not fit, and one for those that fit none: how many, and a name. */
  readonly notes: readonly string[];
}

/**
 * The views of clips: each stride with each crop that fits. A stride fits a clip of several frames that still has
 * several at it; their number, at most `augment.frames`, is 1 + a multiple of `timeFactor`, what is over being cut off.
 * Images have one stride.
 * @throws UserError when no clip fits a stride or a crop: it would have no effect.
 */
export function viewsOf(clips: readonly NamedShape[], augment: AugmentConfig, timeFactor: number): Views {
  const { strides, crops } = augment;
  const framesAt = (frames: number, stride: number): number => {
    const seen = Math.floor((frames - 1) / stride);
    return 1 + Math.floor(Math.min(seen, (augment.frames ?? frames) - 1) / timeFactor) * timeFactor;
  };
  const isVideo = ({ frames }: ClipShape): boolean => frames > 1;
  const videos = clips.filter(isVideo);
  const notes = [
    ...strides.flatMap((stride, i) => {
      if (stride === 1) return [];
      return misfits(`augment.strides.${i}`, `stride ${stride}`, "short", videos, (clip) => {
        return framesAt(clip.frames, stride) > 1;
      });
    }),
    ...crops.flatMap((crop, i) =>
      misfits(`augment.crops.${i}`, `crops of ${crop.height}x${crop.width}`, "small", clips, (clip) =>
        fits(clip, crop),
      ),
    ),
  ];
  const views = clips.map((clip) => {
    const fitting = isVideo(clip)
      ? strides.map((stride) => ({ stride, frames: framesAt(clip.frames, stride) }))
      : [{ stride: 1, frames: 1 }];
    const lengths = fitting.filter(({ frames }) => frames > 1 === isVideo(clip));
    const sizes = crops.length === 0 ? [clip] : crops.filter((crop) => fits(clip, crop));
    return lengths.flatMap((length) => sizes.map(({ height, width }) => ({ ...length, height, width })));
  });
  const left = clips.filter((_, i) => views[i]?.length === 0);
  if (left.length === clips.length) {
    throw new UserError("augment", { expected: "clips that fit a stride and a crop", got: "none" });
  }
  const none =
    left.length === 0 ? [] : [`augment: ${countOf(left, clips)} fit nothing and are left out, ${like(left)}`];
  return { views, notes: [...notes, ...none] };
}

function fits(clip: ClipShape, crop: Pick<ClipShape, "height" | "width">): boolean {
  return crop.height <= clip.height && crop.width <= clip.width;
}

function misfits(
  key: string,
  what: string,
  too: "short" | "small",
  clips: readonly NamedShape[],
  suits: (clip: NamedShape) => boolean,
): string[] {
  const misfit = clips.filter((clip) => !suits(clip));
  const [first] = misfit;
  if (misfit.length === clips.length) {
    const got = first === undefined ? "images alone" : `none: all ${clips.length} are too ${too}`;
    throw new UserError(key, { expected: `clips for ${what}`, got, try: "leaving it out" });
  }
  return first === undefined ? [] : [`${key}: ${countOf(misfit, clips)} are too ${too} for ${what}, ${like(misfit)}`];
}

function countOf(some: readonly NamedShape[], all: readonly NamedShape[]): string {
  return `${some.length} of ${all.length} clips`;
}

function like([first]: readonly NamedShape[]): string {
  return first === undefined ? "" : `such as ${first.source} with ${shapeKey(first)}`;
}
