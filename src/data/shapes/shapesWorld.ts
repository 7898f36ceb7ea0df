import { UserError } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import type { ClipShape } from "../clip.ts";
import { barFor } from "./bar.ts";
import { captionOf } from "./caption.ts";
import { type Combination, combinations, type Split } from "./combinations.ts";
import { motions, type Size, sizes } from "./grammar.ts";
import { Pairs } from "./pairs.ts";
import { drawPath, type Path, placeAt, type Region, within } from "./path.ts";
import type { Ground, Scene, SceneObject } from "./scene.ts";
import type { ShapesConfig } from "./world.ts";

/** Largest radius in a lane, against its short side: room to grow is left. */
const LANE_RADIUS = 0.4;
/** Side of a pattern's cells in pixels. */
const CELLS: readonly [number, number] = [4, 8];

/** All scenes of one shapes world. Scene `index` depends on (config but its `clips`, split, index) alone. */
export class ShapesWorld {
  readonly config: ShapesConfig;
  readonly split: Split;
  private readonly singles: readonly Combination[];
  private readonly pairs: Pairs;

  /** @throws UserError when the config leaves nothing to show. */
  constructor(config: ShapesConfig, split: Split = "seen") {
    this.config = config;
    this.split = split;
    this.singles = combinations(config, split);
    // A held-out combination stands beside a seen one: one thing at a time is new.
    this.pairs = new Pairs(this.singles, split === "seen" ? this.singles : combinations(config, "seen"));
    if (config.pairs > 0 && this.pairs.empty) {
      throw new UserError("shapes.pairs", {
        expected: "two colours, and motions that leave room for two objects",
        got: `${config.colours.length} colours, ${config.motions.join(", ")}`,
        try: "left, right, up, down, grow, shrink, spin or still among the motions",
      });
    }
  }

  scene(index: number): Scene {
    const { config, split } = this;
    const random = new KeyedRandom(config.seed, "shapes.scene", split, index);
    const { frames, height, width } = pickWeighted(config.buckets, random.uniform());
    const fps = random.pick(config.fps);
    const shape = { frames, height, width, fps };
    const drawn = random.uniform() < config.pairs ? this.pair(shape, random) : this.single(shape, random);
    return { ...shape, ...drawn };
  }

  /** A scene's caption; worded freely, by the index, where the config says so. */
  caption(scene: Scene, index: number): string {
    const { seed, paraphrase } = this.config;
    return captionOf(scene, paraphrase ? new KeyedRandom(seed, "shapes.caption", this.split, index) : undefined);
  }

  private single(shape: TimedShape, random: KeyedRandom): Omit<Scene, keyof TimedShape> {
    const combination = random.pick(this.singles);
    const { size, radius } = this.drawSize(shape, random);
    const ground = drawGround(combination, random);
    const hides = random.uniform() < this.config.occlusions;
    const hidden = hides ? barFor(combination.motion, radius, size, shape, random) : undefined;
    const frame = { left: 0, top: 0, width: shape.width, height: shape.height };
    const path = hidden?.path ?? this.drawPath(combination, radius, frame, shape, random);
    return { ground, objects: [objectOf(combination, size, path)], relation: undefined, bar: hidden?.bar };
  }

  private pair(shape: TimedShape, random: KeyedRandom): Omit<Scene, keyof TimedShape> {
    const { combinations: both, regions, relation } = this.pairs.draw(shape, random);
    const objects = both.map((combination, i) => {
      const region = regions[i] as Region;
      const { size, radius } = this.drawSize(shape, random);
      const fitting = Math.min(radius, LANE_RADIUS * Math.min(region.width, region.height));
      return objectOf(combination, size, this.drawPath(combination, fitting, region, shape, random));
    });
    return { ground: drawGround(both[0], random), objects, relation, bar: undefined };
  }

  private drawSize({ height, width }: ClipShape, random: KeyedRandom): { size: Size | undefined; radius: number } {
    const told = this.config.sizes.length > 0;
    const size = told ? random.pick(this.config.sizes) : undefined;
    const diameter = within(size === undefined ? this.config.size : sizes[size], random) * Math.min(height, width);
    return { size, radius: diameter / 2 };
  }

  private drawPath(
    { motion }: Combination,
    radius: number,
    region: Region,
    { frames, fps }: TimedShape,
    random: KeyedRandom,
  ): Path {
    const { travel, lapSeconds } = this.config;
    const path = drawPath(motion, radius, region, { travel, lapSeconds, seconds: frames / fps }, random);
    if (frames > 1) return path;
    // A single frame shows any moment of the motion.
    const moment = placeAt(path, random.uniform());
    return { motion: "still", first: moment, last: moment };
  }
}

interface TimedShape extends ClipShape {
  readonly fps: number;
}

/** The size of what grows or shrinks is not told: it has many. */
function objectOf({ colour, form, motion }: Combination, size: Size | undefined, path: Path): SceneObject {
  return { colour, form, size: motions[motion].growth === 0 ? size : undefined, motion, path };
}

function drawGround({ background }: Combination, random: KeyedRandom): Ground {
  const cell = Math.round(within(CELLS, random));
  return { background, slope: 2 * Math.PI * random.uniform(), cell, shift: random.int(2 * cell) };
}

function pickWeighted<T extends { readonly weight: number }>(items: readonly T[], u: number): T {
  const total = items.reduce((sum, { weight }) => sum + weight, 0);
  let left = u * total;
  for (const item of items) {
    left -= item.weight;
    if (left < 0) return item;
  }
  return items.at(-1) as T;
}
