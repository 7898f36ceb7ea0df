import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { readTextFile } from "../../base/plainFile.ts";
import type { GridShare } from "../../data/plans/plan.ts";

const side = z.int().positive();
const histogramSchema = z
  .array(z.strictObject({ frames: side, height: side, width: side, count: z.number().nonnegative() }))
  .min(1);

/**
 * Reads `[{"frames", "height", "width", "count"}, ...]`: how many clips have each grid of tokens.
 * @throws UserError when the file is missing, is not such a list, or counts no clips.
 */
export function readHistogram(file: string): GridShare[] {
  const histogram = conform(histogramSchema, parseJson(textOf(file), file), file);
  if (!histogram.some(({ count }) => count > 0)) {
    throw new UserError(file, { expected: "clips", got: "counts of 0" });
  }
  return histogram.map(({ frames, height, width, count }) => ({ grid: { t: frames, h: height, w: width }, count }));
}

function textOf(file: string): string {
  try {
    return readTextFile(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(file, {
      expected: "a file with a list of grids and counts",
      got: error instanceof Error && "code" in error && error.code !== "ENOENT" ? String(error.code) : "no such file",
      try: '[{"frames":5,"height":8,"width":8,"count":100}]',
    });
  }
}
