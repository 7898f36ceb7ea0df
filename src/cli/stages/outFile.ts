import fs from "node:fs/promises";
import { dirname, extname } from "node:path";
import { UserError } from "../../base/errors.ts";
import { makeFolder } from "../../base/files.ts";
import { bestVideoFormat, VIDEO_FORMATS } from "../../data/media/encode.ts";

/** Where drawn clips go: `stem` + `ending`, or `stem-1`, `stem-2` ... for several. */
export interface OutFile {
  readonly stem: string;
  /** With its dot, such as `.mp4`. */
  readonly ending: string;
}

/** Ending of pictures that are written. */
export const PICTURE_ENDING = ".png";

/**
 * Makes ready for writing to `out`, before any work is spent on what goes there; its folder is made.
 * @param out without an ending the best format here is used.
 * @param isPicture whether all that is written are single frames: then as PNG, unless a video is asked for.
 * @throws UserError when it has another ending, is a folder, or this machine cannot write it.
 */
export async function prepareOut(out: string, isPicture = false): Promise<OutFile> {
  const best = await bestVideoFormat();
  const given = extname(out);
  const ending = given === "" ? (isPicture ? PICTURE_ENDING : `.${best}`) : given;
  const format = ending.slice(1).toLowerCase();
  if (!(isPicture && `.${format}` === PICTURE_ENDING) && !VIDEO_FORMATS.some((known) => known === format)) {
    throw new UserError(out, { expected: `a name ending in ${VIDEO_FORMATS.join(", ")}`, got: ending });
  }
  if (format === "mp4" && best !== "mp4") {
    throw new UserError(out, { expected: "something here that encodes mp4", got: "nothing", try: ".webp or .gif" });
  }
  const stats = await fs.stat(out).catch(() => undefined);
  if (stats?.isDirectory() === true || out.endsWith("/")) {
    throw new UserError(out, { expected: "the name of a file", got: "a folder" });
  }
  const folder = dirname(out);
  try {
    await makeFolder(folder);
    await fs.access(folder, fs.constants.W_OK);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new UserError(out, { expected: "a file in a folder that can be written", got });
  }
  return { stem: out.slice(0, out.length - given.length), ending };
}
