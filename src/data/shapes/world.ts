import { z } from "zod";
import { withEffects } from "../../config/effect.ts";
import { BACKGROUNDS, COLOURS, FORMS, MOTIONS, SIZES } from "./grammar.ts";

/** Sizes and lengths that clips may have. Lengths are 1 + 4 k, sides are multiples of 8. */
const bucketSchema = z.strictObject({
  frames: z.int().refine((frames) => frames >= 1 && frames % 4 === 1, "expected frames 1, 5, 9, 13 ..."),
  height: z.int().positive().multipleOf(8),
  width: z.int().positive().multipleOf(8),
  weight: z.number().positive().default(1).describe("how often, against the other buckets"),
});

export type Bucket = z.infer<typeof bucketSchema>;

const defaultBuckets: readonly Bucket[] = [
  { frames: 1, height: 48, width: 48, weight: 1 },
  { frames: 5, height: 32, width: 32, weight: 1 },
  { frames: 9, height: 32, width: 32, weight: 3 },
  { frames: 9, height: 32, width: 48, weight: 2 },
  { frames: 9, height: 48, width: 32, weight: 2 },
  { frames: 13, height: 32, width: 32, weight: 1 },
  { frames: 17, height: 32, width: 48, weight: 1 },
];

const share = z.number().min(0).max(1);
const range = (least: number, most: number) =>
  z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, "expected the smallest first");

/** Settings of the shapes world: coloured shapes that move before a background. */
export const shapesSchema = withEffects(
  z.strictObject({
    clips: z.int().positive().default(2000).describe("number of clips"),
    seed: z.int().nonnegative().default(1).describe("clip i depends on seed and i only"),
    fps: z
      .array(z.number().positive().max(240))
      .min(1)
      .default([8])
      .describe("frames a second, one of these for each clip; turning and circling take seconds, not frames"),
    colours: z
      .array(z.enum(COLOURS))
      .min(1)
      .default([...COLOURS])
      .describe("colours of the objects"),
    shapes: z
      .array(z.enum(FORMS))
      .min(1)
      .default([...FORMS])
      .describe("forms of the objects"),
    motions: z
      .array(z.enum(MOTIONS))
      .min(1)
      .default([...MOTIONS])
      .describe("what the objects do"),
    backgrounds: z.array(z.enum(BACKGROUNDS)).min(1).default(["dark", "grey", "light"]).describe("what is behind them"),
    sizes: z
      .array(z.enum(SIZES))
      .default([])
      .describe("sizes that captions tell; none: any size of the range `size`, and captions say nothing of it"),
    size: range(0.1, 0.7)
      .default([0.38, 0.5])
      .describe("diameter of an object, smallest and largest, as a fraction of the frame's short side"),
    travel: range(0.1, 1)
      .default([0.75, 1])
      .describe("way of a moving object, least and most, as a fraction of the way it has inside the frame"),
    lapSeconds: z
      .number()
      .positive()
      .exactOptional()
      .describe(
        "seconds in which a circling object goes around: clips show the whole number of laps that is nearest, so that " +
          "long ones move as short ones do. Not given: one lap a clip, however long",
      ),
    pairs: share.default(0).describe("share of clips with two objects. 0: one object is learned first"),
    occlusions: share
      .default(0)
      .describe("share of the clips of one object crossing the frame in which it passes behind a bar"),
    paraphrase: z
      .boolean()
      .default(false)
      .describe("whether captions vary in wording. false: one wording is learned sooner"),
    holdOut: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe("share of all triples of colour, shape and motion that no clip shows; the same for every seed"),
    buckets: z
      .array(bucketSchema)
      .min(1)
      .default([...defaultBuckets])
      .describe("lengths and sizes of clips, with weights"),
  }),
  [
    {
      key: "size",
      needs: ({ sizes }) => sizes.length === 0,
      why: "told sizes have their own ranges: leave out sizes, or this",
    },
    {
      key: "lapSeconds",
      needs: ({ motions }) => motions.includes("circle"),
      why: "only the motion circle goes around",
    },
  ],
);

export type ShapesConfig = z.infer<typeof shapesSchema>;
