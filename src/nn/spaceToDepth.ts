import type { Tensor, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** How much coarser a level is: frames, and rows and columns alike. */
export type Factor = readonly [time: number, space: number];

/**
 * Moves blocks of time x space x space cells into channels, ordered time, row, column, channel.
 * Causal: the first frame stands also for the time - 1 frames before it, so T = 1 + k time gives 1 + k frames,
 * frame 0 of which knows frame 0 alone. A later chunk of a clip has k time frames and gives k.
 * Shapes: x_BTHWC -> B (T + time - 1)/time H/space W/space (time space space C).
 * @param isStart whether x begins where the clip does.
 */
export function spaceToDepth(x_BTHWC: Tensor5D, [time, space]: Factor, isStart = true): Tensor5D {
  if (time === 1 && space === 1) return x_BTHWC;
  const [numClips, numFrames, height, width, numChannels] = x_BTHWC.shape;
  const first = tf.slice(x_BTHWC, [0, 0, 0, 0, 0], [numClips, 1, height, width, numChannels]);
  const numLead = isStart ? time - 1 : 0;
  const led = numLead === 0 ? x_BTHWC : tf.concat<Tensor>([...Array<Tensor>(numLead).fill(first), x_BTHWC], 1);
  const [t, h, w] = [(numFrames + numLead) / time, height / space, width / space];
  const blocks = tf.reshape(led, [numClips * t, time, h, space, w, space * numChannels]);
  const moved = tf.transpose(blocks, [0, 2, 4, 1, 3, 5]);
  return tf.reshape(moved, [numClips, t, h, w, time * space * space * numChannels]) as Tensor5D;
}

/** The inverse. Shapes: x_BthwP -> B (t time - time + 1) (h space) (w space) C. */
export function depthToSpace(x_BthwP: Tensor5D, [time, space]: Factor, isStart = true): Tensor5D {
  if (time === 1 && space === 1) return x_BthwP;
  const [numClips, t, h, w, depth] = x_BthwP.shape;
  const numChannels = depth / (time * space * space);
  const blocks = tf.reshape(x_BthwP, [numClips * t, h, w, time, space, space * numChannels]);
  const moved = tf.transpose(blocks, [0, 3, 1, 4, 2, 5]);
  const [height, width] = [h * space, w * space];
  const led = tf.reshape(moved, [numClips, t * time, height, width, numChannels]) as Tensor5D;
  if (time === 1 || !isStart) return led;
  return tf.slice(led, [0, time - 1, 0, 0, 0], [numClips, t * time - time + 1, height, width, numChannels]);
}
