import type { KeyedRandom } from "../../base/random.ts";
import type { Background, Colour, Form, Motion, Relation, Size } from "./grammar.ts";
import type { Scene, SceneObject } from "./scene.ts";

/** Ways to say each thing. The first of each is the plain wording. */
const colourWords: Readonly<Record<Colour, readonly string[]>> = {
  red: ["red"],
  green: ["green"],
  blue: ["blue"],
  yellow: ["yellow"],
  purple: ["purple", "violet"],
  orange: ["orange"],
  cyan: ["cyan", "turquoise"],
  white: ["white"],
};

const formWords: Readonly<Record<Form, readonly string[]>> = {
  circle: ["circle", "disc", "ball"],
  square: ["square", "box"],
  triangle: ["triangle"],
  star: ["star"],
  ring: ["ring", "hoop"],
};

const sizeWords: Readonly<Record<Size, readonly string[]>> = {
  small: ["small", "little", "tiny"],
  big: ["big", "large"],
};

const motionWords: Readonly<Record<Motion, readonly string[]>> = {
  left: ["moves left", "slides to the left", "goes left", "drifts leftwards"],
  right: ["moves right", "slides to the right", "goes right", "drifts rightwards"],
  up: ["moves up", "rises", "goes upwards"],
  down: ["moves down", "sinks", "goes downwards"],
  upLeft: ["moves up and left", "climbs to the upper left", "goes diagonally up to the left"],
  upRight: ["moves up and right", "climbs to the upper right", "goes diagonally up to the right"],
  downLeft: ["moves down and left", "slides to the lower left", "goes diagonally down to the left"],
  downRight: ["moves down and right", "slides to the lower right", "goes diagonally down to the right"],
  circle: ["moves in a circle", "goes round in a circle", "circles"],
  bounce: ["bounces", "falls and bounces back"],
  grow: ["grows", "gets bigger", "becomes larger"],
  shrink: ["shrinks", "gets smaller"],
  spin: ["spins", "turns around itself", "rotates"],
  still: ["stays still", "stands still", "does not move"],
};

const groundWords: Readonly<Record<Background, readonly string[]>> = {
  dark: ["a dark background", "a dark backdrop"],
  grey: ["a grey background", "a grey backdrop"],
  light: ["a light background", "a light backdrop"],
  gradient: ["a gradient background", "a shaded background"],
  patterned: ["a patterned background", "a checkered background"],
};

const opposite: Readonly<Record<Relation, Relation>> = {
  above: "below",
  below: "above",
  "left of": "right of",
  "right of": "left of",
};

/** What the sentence is made of. `verb` is undefined for an image: it says nothing of motion. */
interface Phrase {
  readonly noun: string;
  readonly verb: string | undefined;
}

const singleSentences: readonly ((object: Phrase, ground: string) => string)[] = [
  ({ noun, verb }, ground) => [noun, verb, `on ${ground}`].filter(Boolean).join(" "),
  ({ noun, verb }, ground) => [`on ${ground},`, noun, verb].filter(Boolean).join(" "),
  ({ noun, verb }, ground) => `there is ${noun}${verb === undefined ? "" : ` that ${verb}`} on ${ground}`,
  ({ noun, verb }, ground) => `${noun} in front of ${ground}${verb === undefined ? "" : ` ${verb}`}`,
];

type PairSentence = (first: Phrase, second: Phrase, relation: Relation, ground: string) => string;

const that = ({ noun, verb }: Phrase): string => (verb === undefined ? noun : `${noun} that ${verb}`);
const does = ({ noun, verb }: Phrase): string => (verb === undefined ? noun : `${noun} ${verb}`);

const pairSentences: readonly PairSentence[] = [
  (first, second, relation, ground) => `${does(first)}, ${relation} ${that(second)}, on ${ground}`,
  (first, second, relation, ground) => `on ${ground}, ${does(first)}, ${relation} ${that(second)}`,
  (first, second, relation, ground) => `${that(second)} is ${opposite[relation]} ${that(first)}, on ${ground}`,
];

/**
 * Tells a scene: `a red circle moves right on a dark background`, `a small red star moves left, above a big blue
 * ring that stays still, on a grey background`. An image says nothing of motion.
 * @param wording draws among the ways to say it; undefined: the plain one.
 */
export function captionOf(scene: Scene, wording?: KeyedRandom): string {
  const choose = <T>(ways: readonly T[]): T => (wording === undefined ? (ways[0] as T) : wording.pick(ways));
  const phrases = scene.objects.map((object) => phraseOf(object, scene, choose));
  const ground = choose(groundWords[scene.ground.background]);
  const [first, second] = phrases as [Phrase, Phrase | undefined];
  if (second === undefined || scene.relation === undefined) return choose(singleSentences)(first, ground);
  return choose(pairSentences)(first, second, scene.relation, ground);
}

function phraseOf(object: SceneObject, { frames, bar }: Scene, choose: <T>(ways: readonly T[]) => T): Phrase {
  const words = [
    ...(object.size === undefined ? [] : [choose(sizeWords[object.size])]),
    choose(colourWords[object.colour]),
    choose(formWords[object.form]),
  ].join(" ");
  const noun = `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
  if (frames === 1) return { noun, verb: undefined };
  const verb = choose(motionWords[object.motion]);
  return { noun, verb: bar === undefined ? verb : `${verb} and passes behind a bar` };
}
