import { z } from "zod";
import { withEffects } from "../config/effect.ts";

export const vaeBatchSchema = withEffects(
  z
    .strictObject({
      pixels: z
        .int()
        .positive()
        .default(65_536)
        .describe(
          "Pixels of all frames in a batch; sets the clips per batch of each size. 65,536: 7 clips of 9x32x32.",
        ),
      start: z
        .enum(["pca", "random"])
        .default("pca")
        .describe("First weights of the linear path. pca: principal components of the clips, minutes ahead of random."),
      pcaClips: z.int().positive().default(200).describe("Clips that the components are computed of. 200: 2 seconds."),
    })
    .describe("Batches of the VAE's training, and how it starts."),
  [{ key: "pcaClips", needs: ({ start }) => start === "pca", why: "only start pca reads it" }],
);

export type VaeBatchConfig = z.output<typeof vaeBatchSchema>;
