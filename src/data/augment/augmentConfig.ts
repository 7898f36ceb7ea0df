import { z } from "zod";

const side = z.int().positive();

const cropSchema = z.strictObject({ height: side.describe("Pixels."), width: side.describe("Pixels.") });

export const augmentSchema = z
  .strictObject({
    flip: z
      .boolean()
      .default(false)
      .describe(
        "Mirror a clip left to right half of the time. false: captions can say left and right, and letters would be mirrored.",
      ),
    frames: z
      .int()
      .min(2)
      .optional()
      .describe(
        "Most frames of a clip that are shown at once, a stretch from anywhere in it: more clips fit into a batch, and " +
          "frames beside each other tell little more than one. Less is cut off to what the VAE takes. Not given: all.",
      ),
    crops: z
      .array(cropSchema)
      .refine((crops) => isEachOnce(crops.map(({ height, width }) => `${height}x${width}`)), "each size once")
      .default([])
      .describe(
        "Sizes of random crops; a clip is shown in each that it is large enough for, in turn. Empty: whole frames.",
      ),
    strides: z
      .array(z.int().positive())
      .min(1)
      .refine(isEachOnce, "each stride once")
      .default([1])
      .describe(
        "Every which frame is shown; at stride 2 a clip is half as long and moves twice as fast. A clip is shown at each that it is long enough for, in turn; an image is the same at all. 1: as it is stored.",
      ),
  })
  .describe("Random changes of clips as they are read, anew each time.");

export type AugmentConfig = z.output<typeof augmentSchema>;

function isEachOnce(items: readonly unknown[]): boolean {
  return new Set(items).size === items.length;
}
