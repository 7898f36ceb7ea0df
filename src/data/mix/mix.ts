import { z } from "zod";

export const imagesSchema = z
  .strictObject({
    share: z
      .number()
      .gt(0)
      .lt(1)
      .describe(
        "Share of the drawn clips that are single frames. It counts clips, not tokens: most tokens stay video.",
      ),
    from: z
      .enum(["clips", "first-frames"])
      .default("clips")
      .describe(
        "clips: the sources' own clips of one frame. first-frames: beside them the first frame of every longer clip, with its caption. clips: nothing is shown twice.",
      ),
  })
  .describe("Joint training on images and videos. Left out: images come as often as their sources' weights say.");

export type ImagesConfig = z.output<typeof imagesSchema>;

export const weightSchema = z
  .number()
  .positive()
  .default(1)
  .describe(
    "How often a clip of this source is drawn against one of a source of weight 1. 1: every clip equally often.",
  );

/** How clips of several datasets are drawn together. */
export interface Mix {
  /** One for each dataset. */
  readonly sources: readonly { readonly name: string; readonly weight: number }[];
  readonly images?: ImagesConfig | undefined;
}
