import type { Tensor, Tensor4D, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { fusedKernel, withGradient } from "./fused.ts";

/*
 * How a causal 3-D convolution is recorded. Frames become a batch of images; one 2-D convolution makes the
 * contributions of all D kernel frames at once, and those are shifted in time and added. Wider products than a 3-D
 * convolution makes, and no copies of the input. The input's gradient is the same with the kernel turned round and
 * the shifts reversed; the weight's gradient is a product for each place of the kernel in space.
 * Legend: B clips, T frames, F = B T, I and O channels, D and K kernel sides, S = H W.
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
      return [convolve(dy as Tensor5D, turned_IODKK, "earlier"), padAxis(dw, 2, unreached, 0)];
    },
  }));
  return output as Tensor5D;
}

/** The kernel's last frames that a clip of `numFrames` can meet: the others see padding only. */
function reachable(w_OIDKK: Tensor5D, numFrames: number): Tensor5D {
  const depth = w_OIDKK.shape[2];
  return tf.slice(w_OIDKK, [0, 0, Math.max(0, depth - numFrames), 0, 0]);
}

/** Kernel frame d reaches D - 1 - d frames later (or, in the gradient, earlier). */
function convolve(x_BITHW: Tensor5D, w_OIDKK: Tensor5D, direction: "later" | "earlier"): Tensor5D {
  const [batch, , frames, high, wide] = x_BITHW.shape;
  const [numOut, numIn, depth, side] = w_OIDKK.shape;
  const w_EIKK = tf.transpose(w_OIDKK, [2, 0, 1, 3, 4]).reshape([depth * numOut, numIn, side, w_OIDKK.shape[4]]);
  if (depth === 1 && isPoint(w_OIDKK.shape)) {
    const x_BIP = x_BITHW.reshape([batch, numIn, frames * high * wide]);
    return tf.matMul(w_EIKK.reshape([numOut, numIn]), x_BIP).reshape([batch, numOut, frames, high, wide]);
  }
  const parts = convolveFrames(framesOf(x_BITHW), w_EIKK as Tensor4D, isPoint(w_OIDKK.shape));
  const z_BTDOS = parts.reshape([batch, frames, depth, numOut, high * wide]);
  let y_BTOS: Tensor | undefined;
  for (let d = 0; d < depth; d++) {
    const by = depth - 1 - d;
    const from = direction === "later" ? 0 : by;
    const own = tf.slice(z_BTDOS, [0, from, d, 0, 0], [batch, frames - by, 1, numOut, high * wide]);
    const part = own.reshape([batch, frames - by, numOut, high * wide]);
    const shifted = direction === "later" ? padAxis(part, 1, by, 0) : padAxis(part, 1, 0, by);
    y_BTOS = y_BTOS === undefined ? shifted : y_BTOS.add(shifted);
  }
  const y_BTOHW = (y_BTOS as Tensor).reshape([batch, frames, numOut, high, wide]);
  return tf.transpose(y_BTOHW, [0, 2, 1, 3, 4]) as Tensor5D;
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
  const x_FIHW = padAxis(padAxis(framesOf(x_BITHW), 2, aroundHigh, aroundHigh), 3, aroundWide, aroundWide);
  const dy_BTOS = framesOf(dy_BOTHW).reshape([batch, frames, numOut, high * wide]);
  const met = Array.from({ length: depth }, (_, d) => {
    const by = depth - 1 - d;
    return padAxis(tf.slice(dy_BTOS, [0, by, 0, 0]), 1, 0, by);
  });
  const dy_FES = tf.concat(met, 2).reshape([batch * frames, depth * numOut, high * wide]);
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

function padAxis<T extends Tensor>(x: T, axis: number, before: number, after: number): T {
  if (before === 0 && after === 0) return x;
  return tf.pad(
    x,
    x.shape.map((_, i) => (i === axis ? [before, after] : [0, 0])),
  );
}
