/** What the shapes world is made of: every value that a scene's attributes can take, and what it looks like. */

/** A colour as red, green, blue in [0, 255]. */
export type Rgb = readonly [number, number, number];

/** Colours that objects may have. White apart, each has a hue of its own, 20 degrees or more from the others. */
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

/** Plain backgrounds, and the two greys that the others are made of. */
export const grounds = {
  dark: [[24, 26, 34]],
  grey: [[118, 120, 126]],
  light: [[222, 220, 212]],
  gradient: [
    [30, 32, 38],
    [112, 112, 118],
  ],
  patterned: [
    [58, 60, 66],
    [86, 88, 94],
  ],
} as const satisfies Record<string, readonly Rgb[]>;

/** The bar that objects pass behind: a brown that no object has. */
export const BAR_COLOUR: Rgb = [104, 84, 62];

/** Diameters, least and most, as a fraction of the frame's short side, of objects whose size is told. */
export const sizes = { small: [0.24, 0.31], big: [0.42, 0.5] } as const;

/** How an object moves. `dx`, `dy`: direction, y down; `growth`: -1, 0 or 1. */
export const motions = {
  left: { dx: -1, dy: 0, growth: 0 },
  right: { dx: 1, dy: 0, growth: 0 },
  up: { dx: 0, dy: -1, growth: 0 },
  down: { dx: 0, dy: 1, growth: 0 },
  upLeft: { dx: -1, dy: -1, growth: 0 },
  upRight: { dx: 1, dy: -1, growth: 0 },
  downLeft: { dx: -1, dy: 1, growth: 0 },
  downRight: { dx: 1, dy: 1, growth: 0 },
  circle: { dx: 0, dy: 0, growth: 0 },
  bounce: { dx: 0, dy: 1, growth: 0 },
  grow: { dx: 0, dy: 0, growth: 1 },
  shrink: { dx: 0, dy: 0, growth: -1 },
  spin: { dx: 0, dy: 0, growth: 0 },
  still: { dx: 0, dy: 0, growth: 0 },
} as const;

export const COLOURS = ["red", "green", "blue", "yellow", "purple", "orange", "cyan", "white"] as const;
export const FORMS = ["circle", "square", "triangle", "star", "ring"] as const;
export const SIZES = ["small", "big"] as const;
export const MOTIONS = [
  "left",
  "right",
  "up",
  "down",
  "upLeft",
  "upRight",
  "downLeft",
  "downRight",
  "circle",
  "bounce",
  "grow",
  "shrink",
  "spin",
  "still",
] as const;
export const BACKGROUNDS = ["dark", "grey", "light", "gradient", "patterned"] as const;
/** Where the first of two objects is, seen from the second. */
export const RELATIONS = ["above", "below", "left of", "right of"] as const;

export type Colour = (typeof COLOURS)[number];
export type Form = (typeof FORMS)[number];
export type Size = (typeof SIZES)[number];
export type Motion = (typeof MOTIONS)[number];
export type Background = (typeof BACKGROUNDS)[number];
export type Relation = (typeof RELATIONS)[number];

/** Turns after which a form looks as before; 0 for those that look the same at any turn. In radians. */
export const symmetry: Readonly<Record<Form, number>> = {
  circle: 0,
  ring: 0,
  square: Math.PI / 2,
  triangle: (2 * Math.PI) / 3,
  star: (2 * Math.PI) / 5,
};
