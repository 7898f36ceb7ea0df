import type { Video } from "../../data/media/video.ts";
import { type Form, type Size, sizes } from "../../data/shapes/grammar.ts";
import { radiusOf, readForm } from "./formFit.ts";
import { readIdentity } from "./identity.ts";
import { CORE_COVER, colourMasks } from "./masks.ts";
import { readMotion } from "./motionReading.ts";
import type { Guess, ObjectReading, Reading } from "./reading.ts";
import { type FrameSize, type Sight, type Track, tracksOf } from "./track.ts";

/** Diameter against the frame's short side at which small ends and big begins. */
const SIZE_BORDER = (sizes.small[1] + sizes.big[0]) / 2;

/**
 * Reads a clip of the shapes world by its pixels alone: how many objects, and each one's colour, form, motion and size,
 * and whether what goes out of sight comes back the same.
 *
 * It knows the world's palette and forms, and nothing of how the clip was made. Its limits: objects of one colour are
 * one object in several parts; white objects are not seen before a light background; an object that touches the frame's
 * edge is read from what is inside; forms below 3 pixels in radius are guesses; of several motions at once the strongest
 * is told (growth, then way, then spin).
 */
export function judgeClip(video: Video): Reading {
  const tracks = tracksOf(colourMasks(video), video);
  const parts = tracks.map(({ sights }) => median(sights.map((sight) => sight.parts)));
  const whole = tracks.map(({ sights }, i) => shareOf(sights, (sight) => sight.parts === parts[i]));
  return {
    count: { value: parts.reduce((sum, number) => sum + number, 0), confidence: Math.min(1, ...whole) },
    objects: tracks.map((track) => readObject(track, video)),
  };
}

function readObject({ colour, sights }: Track, size: FrameSize): ObjectReading {
  const form = readForm(sights, size);
  const covers = sights.flatMap(({ cover_HW }) => Array.from(cover_HW).filter((cover) => cover > 0));
  return {
    colour: { value: colour, confidence: shareOf(covers, (cover) => cover >= CORE_COVER) },
    form,
    motion: size.frames === 1 ? undefined : readMotion(sights, form.value, size),
    size: readSize(sights, form.value, size),
    x: mean(sights.map(({ x }) => x)),
    y: mean(sights.map(({ y }) => y)),
    keepsIdentity: readIdentity(sights, size),
  };
}

function readSize(sights: readonly Sight[], form: Form, { height, width }: FrameSize): Guess<Size> {
  const diameter = 2 * radiusOf(form, median(sights.map(({ area }) => area)));
  const ratio = diameter / Math.min(height, width) / SIZE_BORDER;
  return { value: ratio > 1 ? "big" : "small", confidence: Math.min(1, Math.abs(ratio - 1) * 2) };
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
