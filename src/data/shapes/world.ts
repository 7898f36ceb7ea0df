import { z } from "zod";

/** A colour as red, green, blue in [0, 255]. */
export type Rgb = readonly [number, number, number];

/** Colours that objects may have. */
export const colours = {
  red: [226, 40, 40],
  green: [40, 176, 66],
  blue: [44, 84, 240],
  yellow: [250, 216, 44],
  purple: [152, 60, 204],
  orange: [250, 136, 28],
  cyan: [48, 208, 224],
  white: [250, 250, 250],
} as const satisfies Record<string, Rgb>;

/** Plain backgrounds. */
export const backgrounds = {
  dark: [24, 26, 34],
  grey: [118, 120, 126],
  light: [222, 220, 212],
} as const satisfies Record<string, Rgb>;

/** What an object does, and how the caption says it. `dx`, `dy`: direction, y down; `growth`: -1, 0 or 1. */
export const motions = {
  left: { phrase: "moves left", dx: -1, dy: 0, growth: 0 },
  right: { phrase: "moves right", dx: 1, dy: 0, growth: 0 },
  up: { phrase: "moves up", dx: 0, dy: -1, growth: 0 },
  down: { phrase: "moves down", dx: 0, dy: 1, growth: 0 },
  still: { phrase: "stays still", dx: 0, dy: 0, growth: 0 },
  grow: { phrase: "grows", dx: 0, dy: 0, growth: 1 },
  shrink: { phrase: "shrinks", dx: 0, dy: 0, growth: -1 },
} as const;

export const COLOURS = ["red", "green", "blue", "yellow", "purple", "orange", "cyan", "white"] as const;
export const FORMS = ["circle", "square", "triangle", "star", "ring"] as const;
export const MOTIONS = ["left", "right", "up", "down", "still", "grow", "shrink"] as const;
export const BACKGROUNDS = ["dark", "grey", "light"] as const;

export type Colour = (typeof COLOURS)[number];
export type Form = (typeof FORMS)[number];
export type Motion = (typeof MOTIONS)[number];
export type Background = (typeof BACKGROUNDS)[number];

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

/** Settings of the shapes world: coloured shapes that move before a plain background. */
export const shapesSchema = z.strictObject({
  clips: z.int().positive().default(2000).describe("number of clips"),
  seed: z.int().nonnegative().default(1).describe("clip i depends on seed and i only"),
  fps: z.number().positive().max(240).default(8).describe("frames a second"),
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
  backgrounds: z
    .array(z.enum(BACKGROUNDS))
    .min(1)
    .default([...BACKGROUNDS])
    .describe("plain backgrounds"),
  size: z
    .tuple([z.number().min(0.1).max(0.7), z.number().min(0.1).max(0.7)])
    .refine(([smallest, largest]) => smallest <= largest, "expected the smallest first")
    .default([0.38, 0.5])
    .describe("diameter of an object, smallest and largest, as a fraction of the frame's short side"),
  travel: z
    .tuple([z.number().min(0.1).max(1), z.number().min(0.1).max(1)])
    .refine(([least, most]) => least <= most, "expected the least first")
    .default([0.75, 1])
    .describe("way of a moving object, least and most, as a fraction of the way it has inside the frame"),
  buckets: z
    .array(bucketSchema)
    .min(1)
    .default([...defaultBuckets])
    .describe("lengths and sizes of clips, with weights"),
});

export type ShapesConfig = z.infer<typeof shapesSchema>;
