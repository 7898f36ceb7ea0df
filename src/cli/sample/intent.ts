import { extname } from "node:path";
import { UserError } from "../../base/errors.ts";
import { PICTURE_ENDINGS, VIDEO_ENDINGS } from "../../data/ingest/decoder.ts";
import { type Prompts, parsePrompts } from "./prompts.ts";
import { parseSeconds } from "./seconds.ts";

/** The options that say what is to be done, as they were given. */
export interface IntentOptions {
  readonly prompt?: readonly string[] | undefined;
  readonly frames?: number | undefined;
  readonly seconds?: string | undefined;
  readonly image?: string | readonly string[] | undefined;
  readonly video?: readonly string[] | undefined;
  readonly extend?: readonly string[] | undefined;
  readonly loop?: boolean | undefined;
  readonly connect?: string | undefined;
  readonly edit?: number | undefined;
  readonly keyframes?: string | undefined;
  readonly out?: string | undefined;
}

/** What one call of `kinema sample` is to do. */
export type Intent =
  | { readonly mode: "text" }
  | { readonly mode: "animate"; readonly image: string }
  | { readonly mode: "extend forward" | "extend backward"; readonly video: string; readonly seconds: number }
  | { readonly mode: "loop"; readonly video: string | undefined }
  | { readonly mode: "connect"; readonly from: string; readonly to: string; readonly seconds: number }
  | { readonly mode: "edit"; readonly video: string; readonly strength: number }
  | { readonly mode: "keyframes"; readonly keyframes: readonly TimedImage[] };

export interface TimedImage {
  readonly file: string;
  readonly seconds: number;
}

/** An intent with what holds for all: prompts, and the length of the result where it was asked for. */
export interface Wish {
  readonly intent: Intent;
  readonly prompts: Prompts;
  readonly length: { readonly frames: number } | { readonly seconds: number } | undefined;
}

/** Pictures: WebP may be one or a video. */
const IMAGES: readonly string[] = [...PICTURE_ENDINGS, "webp"];
const VIDEOS: readonly string[] = VIDEO_ENDINGS;

/** What the options ask for. Reads no file. @throws UserError when they contradict each other or lack something. */
export function parseWish(options: IntentOptions): Wish {
  const intent = parseIntent(options);
  const prompts = parsePrompts(options.prompt ?? []);
  const length = parseLength(options);
  if (length !== undefined) refuseLength(intent, options);
  if (intent.mode === "edit" && options.prompt === undefined) {
    throw new UserError("--edit", { expected: "--prompt TEXT beside it: what the clip shall show", got: "none" });
  }
  if (prompts.kind === "timeline" && prompts.timeline.length > 1 && !isLong(intent)) {
    throw new UserError("--prompt", { expected: `one prompt with ${flagOf(intent)}`, got: "several with times" });
  }
  return { intent, prompts, length };
}

function parseIntent(options: IntentOptions): Intent {
  const { extend, loop = false, connect, edit, keyframes } = options;
  const image = single("--image", options.image);
  const videos = options.video ?? [];
  const ways = [
    ["--image", image !== undefined],
    ["--keyframes", keyframes !== undefined],
    ["--extend", extend !== undefined],
    ["--loop", loop],
    ["--connect", connect !== undefined],
    ["--edit", edit !== undefined],
  ] as const;
  const [way, other] = ways.filter(([, isGiven]) => isGiven).map(([flag]) => flag);
  if (way !== undefined && other !== undefined) {
    throw new UserError(`${way} ${other}`, { expected: "one of the two", got: "both" });
  }
  if (way === undefined || way === "--image" || way === "--keyframes") {
    if (videos.length > 0) {
      const expected = `${way === undefined ? "" : `no ${way}, and `}--extend, --loop, --connect or --edit beside it`;
      throw new UserError("--video", { expected, got: way ?? "none of them" });
    }
    if (image !== undefined) return { mode: "animate", image: checkImage("--image", image) };
    if (keyframes !== undefined) return { mode: "keyframes", keyframes: parseKeyframes(keyframes) };
    return { mode: "text" };
  }
  const numVideos = way === "--connect" ? 2 : 1;
  if (videos.length !== numVideos && !(way === "--loop" && videos.length === 0)) {
    const expected = numVideos === 1 ? "--video FILE beside it, once" : "--video FILE beside it twice: from and to";
    throw new UserError(way, { expected, got: videos.length === 0 ? "none" : `${videos.length} of them` });
  }
  const [video, to] = videos.map(checkVideo);
  if (way === "--loop") return { mode: "loop", video };
  if (way === "--connect") {
    return { mode: "connect", from: video ?? "", to: to ?? "", seconds: more("--connect", connect ?? "") };
  }
  if (way === "--edit") return { mode: "edit", video: video ?? "", strength: checkStrength(edit ?? Number.NaN) };
  return { ...parseExtend(extend ?? []), video: video ?? "" };
}

function parseExtend([direction = "", seconds = "", ...rest]: readonly string[]) {
  if ((direction !== "forward" && direction !== "backward") || rest.length > 0) {
    const got = JSON.stringify([direction, seconds, ...rest].join(" "));
    throw new UserError("--extend", { expected: "forward or backward, once, and then seconds", got });
  }
  return { mode: `extend ${direction}` as const, seconds: more("--extend", seconds) };
}

/** `a.png@0,b.png@3.5s`. A name may hold an @ before the last one. */
function parseKeyframes(text: string): TimedImage[] {
  const keyframes = text.split(",").map((entry) => {
    const at = entry.lastIndexOf("@");
    if (at <= 0) {
      throw new UserError("--keyframes", {
        expected: "pictures and times, as in a.png@0,b.png@3.5s",
        got: JSON.stringify(entry),
      });
    }
    const file = checkImage("--keyframes", entry.slice(0, at).trim());
    return { file, seconds: parseSeconds("--keyframes", entry.slice(at + 1)) };
  });
  const times = keyframes.map(({ seconds }) => seconds);
  const repeated = times.find((seconds, i) => times.indexOf(seconds) !== i);
  if (repeated === undefined) return keyframes;
  throw new UserError("--keyframes", { expected: "each picture at a time of its own", got: `two at ${repeated}s` });
}

function parseLength({ frames, seconds }: IntentOptions): Wish["length"] {
  if (frames !== undefined && seconds !== undefined) {
    throw new UserError("--frames --seconds", { expected: "one of the two", got: "both" });
  }
  if (seconds !== undefined) return { seconds: more("--seconds", seconds) };
  return frames === undefined ? undefined : { frames };
}

function refuseLength(intent: Intent, { frames }: IntentOptions): void {
  const flag = frames === undefined ? "--seconds" : "--frames";
  const refuse = (why: string): never => {
    throw new UserError(flag, { expected: `none with ${flagOf(intent)}, ${why}`, got: "one" });
  };
  if (intent.mode === "edit") refuse("whose result is as long as the video");
  if (intent.mode === "connect") refuse("which says how much comes between the clips");
  if (intent.mode === "extend forward" || intent.mode === "extend backward") refuse("which says how much is added");
}

/** Whether an intent may be of any length, drawn bit by bit. */
function isLong({ mode }: Intent): boolean {
  return mode === "text" || mode === "animate" || mode === "extend forward";
}

/** The option that an intent came by. */
export function flagOf({ mode }: Intent): string {
  if (mode === "text") return "--prompt";
  if (mode === "animate") return "--image";
  return mode === "extend forward" || mode === "extend backward" ? "--extend" : `--${mode}`;
}

function more(flag: string, text: string): number {
  return parseSeconds(flag, text, Number.MIN_VALUE);
}

function checkStrength(strength: number): number {
  if (strength >= 0 && strength <= 1) return strength;
  throw new UserError("--edit", { expected: "one strength from 0 (as it is) to 1 (all new)", got: String(strength) });
}

function single(flag: string, value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw new UserError(flag, { expected: "one file", got: `${value.length} of them` });
}

function checkImage(flag: string, file: string): string {
  const ending = endingOf(file);
  if (IMAGES.includes(ending)) return file;
  const got = VIDEOS.includes(ending) ? `the video ${file}` : JSON.stringify(file);
  throw new UserError(flag, { expected: `a picture (${IMAGES.join(", ")})`, got });
}

function checkVideo(file: string): string {
  const ending = endingOf(file);
  if (VIDEOS.includes(ending)) return file;
  const isImage = IMAGES.includes(ending);
  throw new UserError("--video", {
    expected: `a video (${VIDEOS.join(", ")})`,
    got: isImage ? `the picture ${file}` : JSON.stringify(file),
    ...(isImage && { try: "--image FILE" }),
  });
}

function endingOf(file: string): string {
  return extname(file).slice(1).toLowerCase();
}
