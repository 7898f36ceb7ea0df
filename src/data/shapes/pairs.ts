import type { KeyedRandom } from "../../base/random.ts";
import type { ClipShape } from "../clip.ts";
import { groupBy } from "../group.ts";
import type { Combination } from "./combinations.ts";
import type { Motion, Relation } from "./grammar.ts";
import type { Region } from "./path.ts";

/** How two objects share a frame: in lanes one above the other, or side by side. */
type Layout = "stacked" | "abreast";

/** Motions that show in a lane. */
const LANE_MOTIONS: Readonly<Record<Layout, readonly Motion[]>> = {
  stacked: ["left", "right", "grow", "shrink", "spin", "still"],
  abreast: ["up", "down", "grow", "shrink", "spin", "still"],
};
const RELATIONS = { stacked: ["above", "below"], abreast: ["left of", "right of"] } as const;
const LAYOUTS = ["stacked", "abreast"] as const;

/** Two objects that can be told apart, and the lanes they have. */
export interface Pair {
  readonly combinations: readonly [Combination, Combination];
  readonly regions: readonly [Region, Region];
  /** Where the first is, seen from the second. */
  readonly relation: Relation;
}

interface Pool {
  readonly firsts: readonly Combination[];
  readonly secondsOn: ReadonlyMap<string, readonly Combination[]>;
}

/** Draws pairs of objects of two colours on one background. */
export class Pairs {
  private readonly pools: Readonly<Record<Layout, Pool>>;

  constructor(firsts: readonly Combination[], seconds: readonly Combination[]) {
    this.pools = {
      stacked: poolFor(LANE_MOTIONS.stacked, firsts, seconds),
      abreast: poolFor(LANE_MOTIONS.abreast, firsts, seconds),
    };
  }

  /** Whether there is no pair to draw. */
  get empty(): boolean {
    return LAYOUTS.every((layout) => this.pools[layout].firsts.length === 0);
  }

  draw(shape: ClipShape, random: KeyedRandom): Pair {
    const layout = this.drawLayout(shape, random);
    const { firsts, secondsOn } = this.pools[layout];
    const first = random.pick(firsts);
    const second = random.pick(besides(first, secondsOn.get(first.background)));
    const relation: Relation = random.pick(RELATIONS[layout]);
    const [near, far] = lanes(shape, layout);
    const regions = relation === "above" || relation === "left of" ? ([near, far] as const) : ([far, near] as const);
    return { combinations: [first, second], regions, relation };
  }

  /** Lanes lie along the longer side where both layouts can be had. */
  private drawLayout({ height, width }: ClipShape, random: KeyedRandom): Layout {
    const possible = LAYOUTS.filter((layout) => this.pools[layout].firsts.length > 0);
    const fitting = possible.filter((layout) => (layout === "stacked" ? height >= width : width >= height));
    return random.pick(fitting.length > 0 ? fitting : possible);
  }
}

function poolFor(motions: readonly Motion[], firsts: readonly Combination[], seconds: readonly Combination[]): Pool {
  const fits = ({ motion }: Combination): boolean => motions.includes(motion);
  const secondsOn = groupBy(seconds.filter(fits), ({ background }) => background);
  return {
    firsts: firsts.filter((first) => fits(first) && besides(first, secondsOn.get(first.background)).length > 0),
    secondsOn,
  };
}

function besides(first: Combination, seconds: readonly Combination[] = []): Combination[] {
  return seconds.filter(({ colour }) => colour !== first.colour);
}

/** The two halves of a frame: upper and lower, or left and right. */
function lanes({ height, width }: ClipShape, layout: Layout): [Region, Region] {
  const stacked = layout === "stacked";
  const lane = { width: stacked ? width : width / 2, height: stacked ? height / 2 : height };
  return [
    { left: 0, top: 0, ...lane },
    { left: stacked ? 0 : lane.width, top: stacked ? lane.height : 0, ...lane },
  ];
}
