import type { Tensor, Tensor2D, Tensor4D, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { fusedKernel, withGradient } from "./fused.ts";

/*
 * How a causal 3-D convolution is recorded. Frames become a batch of images; one 2-D convolution makes the
 * contributions of all D kernel frames at once, and those are carried to their frames and added. Wider products than a 3-D
 * convolution makes, and no copies of the input. The input's gradient is the same with the kernel turned round and
 * the shifts reversed; the weight's gradient is a product for each place of the kernel in space.
 * Legend: B clips, T frames, F = B T, I and O channels, D and K kernel sides, S = H W, E = D O, P = T D, Q = O S.
 */

/** Shapes: x_BITHW, w_OIDKK -> BOTHW. */
export function tracedCausalConv3d(x_BITHW: Tensor5D, w_OIDKK: Tensor5D): Tensor5D {
  const output = withGradient([x_BITHW, w_OIDKK], () => ({
    value: convolve(x_BITHW, reachable(w_OIDKK, x_BITHW.shape[2]), "later"),
    save: [x_BITHW, w_OIDKK],
    gradient: (dy, saved) => {
      const [x, w] = saved as [Tensor5D, Tensor5D];
      const near = reachable(w, x.shape[2]);
      const turned_IODKK = tf.transpose(tf.reverse(near, [3, 4]), [1, 0, 2, 3, 4]) as Tensor5D;
      const dw = weightGradient(x, dy as Tensor5D, near.shape);
      const unreached = w.shape[2] - near.shape[2];
      const whole = tf.pad(
        dw,
        dw.shape.map((_, axis) => [axis === 2 ? unreached : 0, 0]),
      );
      return [convolve(dy as Tensor5D, turned_IODKK, "earlier"), whole];
    },
  }));
  return output as Tensor5D;
}

/**
 * The same for a chunk with the D - 1 frames before it, which are seen and not computed; without a gradient.
 * Shapes: before_BIAHW (A = D - 1), x_BITHW, w_OIDKK -> BOTHW.
 */
export function tracedConv3dAfter(before_BIAHW: Tensor5D, x_BITHW: Tensor5D, w_OIDKK: Tensor5D): Tensor5D {
  const led = tf.concat<Tensor>([before_BIAHW, x_BITHW], 2) as Tensor5D;
  return convolve(led, w_OIDKK, "later", before_BIAHW.shape[2]);
}

/** The kernel's last frames that a clip of `numFrames` can meet: the others see padding only. */
function reachable(w_OIDKK: Tensor5D, numFrames: number): Tensor5D {
  const depth = w_OIDKK.shape[2];
  return tf.slice(w_OIDKK, [0, 0, Math.max(0, depth - numFrames), 0, 0]);
}

/** Kernel frame d reaches D - 1 - d frames later (or, in the gradient, earlier). The first `skip` are not computed. */
function convolve(x_BITHW: Tensor5D, w_OIDKK: Tensor5D, direction: "later" | "earlier", skip = 0): Tensor5D {
  const [batch, , frames, high, wide] = x_BITHW.shape;
  const [numOut, numIn, depth, side] = w_OIDKK.shape;
  const w_EIKK = tf.transpose(w_OIDKK, [2, 0, 1, 3, 4]).reshape([depth * numOut, numIn, side, w_OIDKK.shape[4]]);
  if (depth === 1 && isPoint(w_OIDKK.shape)) {
    const x_BIP = x_BITHW.reshape([batch, numIn, frames * high * wide]);
    return tf.matMul(w_EIKK.reshape([numOut, numIn]), x_BIP).reshape([batch, numOut, frames, high, wide]);
  }
  const parts = convolveFrames(framesOf(x_BITHW), w_EIKK as Tensor4D, isPoint(w_OIDKK.shape));
  const z_BPQ = parts.reshape([batch, frames * depth, numOut * high * wide]);
  const meets_TP = tf.transpose(meetings(frames, depth, direction, skip));
  const y_BTOHW = alongFrames(meets_TP, z_BPQ).reshape([batch, frames - skip, numOut, high, wide]);
  return tf.transpose(y_BTOHW, [0, 2, 1, 3, 4]) as Tensor5D;
}

/**
 * 1 where kernel frame d carries frame s to frame t: D - 1 - d frames later (or earlier), 0 elsewhere. A product with
 * it shifts, pads and adds at once, at half the cost of doing so one by one. Shapes: -> [(s, d), t - skip].
 */
function meetings(frames: number, depth: number, direction: "later" | "earlier", skip = 0): Tensor2D {
  const numOut = frames - skip;
  const values = new Float32Array(frames * depth * numOut);
  for (let s = 0; s < frames; s++) {
    for (let d = 0; d < depth; d++) {
      const t = direction === "later" ? s + (depth - 1 - d) : s - (depth - 1 - d);
      if (t >= skip && t < frames) values[(s * depth + d) * numOut + t - skip] = 1;
    }
  }
  return tf.tensor2d(values, [frames * depth, numOut]);
}

/** The same mix of frames for every clip and place: mix_MN, x_BNQ -> BMQ. */
function alongFrames(mix_MN: Tensor2D, x_BNQ: Tensor): Tensor {
  return x_BNQ.shape[0] === 1 ? tf.matMul(mix_MN, tf.squeeze(x_BNQ, [0])) : tf.matMul(mix_MN, x_BNQ);
}

/** x_FIHW, w_EIKK -> FEHW, zero padding on each side. */
function convolveFrames(x_FIHW: Tensor4D, w_EIKK: Tensor4D, point: boolean): Tensor {
  const [numFrames, numIn, high, wide] = x_FIHW.shape;
  const [numOut, , kernelHigh, kernelWide] = w_EIKK.shape;
  if (point) return tf.matMul(w_EIKK.reshape([numOut, numIn]), x_FIHW.reshape([numFrames, numIn, high * wide]));
  const around = [(kernelHigh - 1) / 2, (kernelWide - 1) / 2];
  return fusedKernel("Conv", { x: x_FIHW, w: w_EIKK }, { strides: [1, 1], before: around, after: around });
}

/** The sum over clips, frames and places of dy times the input that each kernel element met: OIDKK. */
function weightGradient(x_BITHW: Tensor5D, dy_BOTHW: Tensor5D, shape: Tensor5D["shape"]): Tensor {
  const [numOut, numIn, depth, kernelHigh, kernelWide] = shape;
  const [batch, , frames, high, wide] = x_BITHW.shape;
  const [aroundHigh, aroundWide] = [(kernelHigh - 1) / 2, (kernelWide - 1) / 2];
  const x_FIHW = tf.pad(framesOf(x_BITHW), [
    [0, 0],
    [0, 0],
    [aroundHigh, aroundHigh],
    [aroundWide, aroundWide],
  ]);
  const dy_BTQ = framesOf(dy_BOTHW).reshape([batch, frames, numOut * high * wide]);
  const met_BPQ = depth === 1 ? dy_BTQ : alongFrames(meetings(frames, depth, "later"), dy_BTQ);
  const dy_FES = met_BPQ.reshape([batch * frames, depth * numOut, high * wide]);
  const places = Array.from({ length: kernelHigh * kernelWide }, (_, place) => {
    const begin = [0, 0, Math.floor(place / kernelWide), place % kernelWide];
    const seen_FIS = tf.slice(x_FIHW, begin, [batch * frames, numIn, high, wide]);
    return tf.matMul(dy_FES, seen_FIS.reshape([batch * frames, numIn, high * wide]), false, true).sum(0);
  });
  const dw_PDOI = tf.stack(places).reshape([kernelHigh, kernelWide, depth, numOut, numIn]);
  return tf.transpose(dw_PDOI, [3, 4, 2, 0, 1]);
}

/** Clips' frames as a batch of images: BCTHW -> FCHW. */
function framesOf(x_BCTHW: Tensor5D): Tensor4D {
  const [batch, channels, frames, high, wide] = x_BCTHW.shape;
  return tf.transpose(x_BCTHW, [0, 2, 1, 3, 4]).reshape([batch * frames, channels, high, wide]) as Tensor4D;
}

function isPoint(shape: Tensor5D["shape"]): boolean {
  return shape[3] === 1 && shape[4] === 1;
}
