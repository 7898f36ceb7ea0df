import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { gridKey, gridSize } from "../base/grid.ts";
import type { PackPlan } from "../models/patches/pack.ts";
import type { Packing } from "../models/patches/packing.ts";
import type { GuidanceConfig } from "./guidance.ts";

/** A pack of clips in the middle of the flow, and what the model says of it. */
export interface Guided {
  readonly x_LP: Tensor2D;
  /** Velocities with the prompt, and with the negative one or none. */
  readonly conditional_LP: Tensor2D;
  readonly unconditional_LP: Tensor2D;
  /** Times; 0 where a frame is given: such frames count for nothing here. */
  readonly t_F: Tensor1D;
  /** 1: the frame is not guided, its velocity is the conditional one to the bit. */
  readonly scale_F: Tensor1D;
  /** Sum of earlier differences; only kind apg has one. */
  readonly trend_LP: Tensor2D | undefined;
}

export interface GuidedVelocity {
  readonly v_LP: Tensor2D;
  readonly trend_LP?: Tensor2D;
}

/** Least time that is divided by. Earlier ones are of given frames. */
const LEAST_TIME = 1e-6;

/** The guided velocity of every clip; means and lengths are taken over the values of each clip that are guided. */
export function guide(cfg: GuidanceConfig, plan: PackPlan, pack: Packing, guided: Guided): GuidedVelocity {
  const clips = new ClipValues(plan, pack, guided);
  if (cfg.kind === "apg") return projected(cfg, clips, guided);
  const { conditional_LP: c_LP, unconditional_LP: u_LP } = guided;
  const v_LP = clips.map([c_LP, u_LP], [], ([c, u], { scale }) => beyond(c, tf.sub(c, u), scale));
  if (cfg.rescale === 0) return { v_LP };
  const back_C1 = tf.div(clips.deviation(c_LP), tf.maximum(clips.deviation(v_LP), 1e-12)) as Tensor2D;
  const factor_C1 = tf.add(tf.mul(back_C1, cfg.rescale), 1 - cfg.rescale) as Tensor2D;
  return {
    v_LP: clips.map([v_LP, c_LP], [factor_C1], ([v, c], { scale }, [factor]) =>
      tf.where(tf.equal(scale, 1), c, tf.mul(v, factor)),
    ),
  };
}

/**
 * Adaptive projected guidance, on clean predictions D = x - t v: the difference of the two, with its trend, no longer
 * than the limit, and of what lies along the conditional one only a share. Source: arXiv:2410.02416, algorithm 1.
 */
function projected(
  cfg: Extract<GuidanceConfig, { kind: "apg" }>,
  clips: ClipValues,
  { x_LP, conditional_LP, unconditional_LP, trend_LP }: Guided,
): GuidedVelocity {
  const clean_LP = clips.map([x_LP, conditional_LP], [], ([x, c], { time }) => tf.sub(x, tf.mul(time, c)));
  const apart_LP = clips.map([unconditional_LP, conditional_LP], [], ([u, c], { time }) => tf.mul(time, tf.sub(u, c)));
  const ahead_LP =
    trend_LP === undefined
      ? apart_LP
      : clips.map([apart_LP, trend_LP], [], ([apart, trend], { scale }) =>
          tf.where(tf.equal(scale, 1), trend, tf.add(apart, tf.mul(trend, cfg.momentum))),
        );
  const length_C1 = tf.sqrt(clips.mean(tf.square(ahead_LP)));
  const short_C1 = tf.minimum(tf.div(cfg.limit, tf.maximum(length_C1, 1e-12)), 1) as Tensor2D;
  const along_C1 = tf.div(
    clips.mean(tf.mul(ahead_LP, clean_LP)),
    tf.maximum(clips.mean(tf.square(clean_LP)), 1e-12),
  ) as Tensor2D;
  const v_LP = clips.map(
    [conditional_LP, ahead_LP, clean_LP],
    [short_C1, along_C1],
    ([c, ahead, clean], { scale, time }, [short, along]) => {
      const kept = tf.mul(tf.sub(ahead, tf.mul(tf.mul(clean, along), 1 - cfg.parallel)), short);
      return beyond(c, tf.neg(tf.div(kept, tf.maximum(time, LEAST_TIME))), scale);
    },
  );
  return trend_LP === undefined ? { v_LP } : { v_LP, trend_LP: ahead_LP };
}

/** c + (scale - 1) difference, and c to the bit where the scale is 1. Source: arXiv:2207.12598, eq. 6. */
function beyond(c: Tensor3D, difference: Tensor3D, scale: Tensor3D): Tensor3D {
  return tf.where(tf.equal(scale, 1), c, tf.add(c, tf.mul(tf.sub(scale, 1), difference)));
}

type Rows<T extends readonly unknown[]> = { readonly [Index in keyof T]: Tensor3D };

/** Values of a pack by the clips they belong to. */
class ClipValues {
  private readonly plan: PackPlan;
  private readonly pack: Packing;
  private readonly frames_F2: Tensor2D;
  /** Each value's share of its clip's mean. */
  private readonly share_LP: Tensor2D;

  constructor(plan: PackPlan, pack: Packing, { x_LP, t_F, scale_F }: Guided) {
    this.plan = plan;
    this.pack = pack;
    this.frames_F2 = tf.stack([scale_F, t_F], 1) as Tensor2D;
    const guided_LP = this.map([x_LP], [], ([x], { scale, time }) => {
      const guided = tf.mul(tf.cast(tf.greater(time, 0), "float32"), tf.cast(tf.notEqual(scale, 1), "float32"));
      return tf.mul(tf.onesLike(x), guided);
    });
    const count_C1 = tf.maximum(this.sum(guided_LP), 1) as Tensor2D;
    this.share_LP = this.map([guided_LP], [count_C1], ([guided], _, [count]) => tf.div(guided, count));
  }

  /** An elementwise function of token rows, of each one's scale and time, and of figures of its clip. */
  map<const T extends readonly Tensor2D[], const C extends readonly Tensor2D[]>(
    tokens: T,
    clips_C1: C,
    fn: (tokens: Rows<T>, frame: { readonly scale: Tensor3D; readonly time: Tensor3D }, clips: Rows<C>) => Tensor3D,
  ): Tensor2D {
    const { pack } = this;
    const perFrame = clips_C1.map((figure_C1) => pack.clipsToFrames(figure_C1));
    const strips = pack.framesToStrips(tf.concat([this.frames_F2, ...perFrame], 1) as Tensor2D);
    return pack.mapStrips(tokens, [strips], (rows, [figures]) => {
      const column = (index: number) => tf.slice(figures as Tensor3D, [0, 0, index], [-1, 1, 1]);
      const ofClips = clips_C1.map((_, i) => column(2 + i));
      return fn(rows as Rows<T>, { scale: column(0), time: column(1) }, ofClips as Rows<C>);
    });
  }

  /** Mean over the guided values of a clip. Shapes: LP -> C1. */
  mean(x_LP: Tensor): Tensor2D {
    return this.sum(tf.mul(x_LP, this.share_LP));
  }

  /** Standard deviation of the guided values of a clip. Shapes: LP -> C1. */
  deviation(x_LP: Tensor2D): Tensor2D {
    const away_LP = this.map([x_LP], [this.mean(x_LP)], ([x], _, [mean]) => tf.sub(x, mean));
    return tf.sqrt(this.mean(tf.square(away_LP)));
  }

  /** Sum over each clip, those of one grid together. Shapes: LP -> C1. */
  private sum(x_LP: Tensor): Tensor2D {
    const { clips } = this.plan;
    const width = x_LP.shape[1] as number;
    const sums: Tensor2D[] = [];
    for (let first = 0; first < clips.length; ) {
      const { grid, firstToken } = clips[first] as (typeof clips)[number];
      let end = first + 1;
      while (end < clips.length && gridKey(clips[end]?.grid ?? grid) === gridKey(grid)) end++;
      const numTokens = (end - first) * gridSize(grid);
      const rows = tf.slice(x_LP, [firstToken, 0], [numTokens, width]);
      sums.push(tf.sum(tf.reshape(rows, [end - first, -1]), 1, true));
      first = end;
    }
    return tf.concat(sums, 0);
  }
}
