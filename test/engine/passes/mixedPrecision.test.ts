import assert from "node:assert/strict";
import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { traceProgram } from "../../../src/engine/compile.ts";
import type { Signature, TensorFn } from "../../../src/engine/engine.ts";
import { printGraph } from "../../../src/engine/graph/text.ts";
import { verify } from "../../../src/engine/graph/verify.ts";
import { attention } from "../../../src/engine/ops/index.ts";
import { optimize } from "../../../src/engine/passes/index.ts";
import { trace } from "../../../src/engine/trace/trace.ts";
import { floatSpec } from "../runtime/smallModels.ts";

/** The lines of the program that a function becomes, without its head. */
function lines(fn: TensorFn, signature: Signature, precision: "f16" | "bf16" = "f16"): string[] {
  optimize(trace("p", fn, signature), precision, verify);
  const { graph } = traceProgram("p", fn, signature, precision);
  return printGraph(graph)
    .split("\n")
    .slice(1, -1)
    .map((line) => line.trim());
}

describe("mixed precision", () => {
  it("multiplies in 16 bits; softmax, and the factor before rounding, stay in 32", () => {
    const fn: TensorFn = ({ q }) => ({ y: attention(q as Tensor4D, q as Tensor4D, q as Tensor4D) });
    assert.deepEqual(lines(fn, { q: floatSpec(1, 2, 8, 4) }), [
      "%0 = fill {0.5} : f32[]",
      "%1 = mul q %0 : f32[1,2,8,4]",
      "%2 = cast %1 : f16[1,2,8,4]",
      "%3 = cast q : f16[1,2,8,4]",
      "%4 = matmul %2 %3 {transB} : f16[1,2,8,8]",
      "%5 = cast %4 : f32[1,2,8,8]",
      "%6 = softmax %5 {axis=3} : f32[1,2,8,8]",
      "%7 = cast %6 : f16[1,2,8,8]",
      "%8 = matmul %7 %3 : f16[1,2,8,4]",
      "%9 = cast %8 : f32[1,2,8,4]",
      "return y = %9",
    ]);
  });

  it("moves what goes from product to product in 16 bits", () => {
    const fn: TensorFn = ({ x, w }) => {
      const first = tf.matMul(x as Tensor2D, w as Tensor2D);
      return { y: tf.matMul(tf.reshape(first, [8, 4]) as Tensor2D, tf.slice(w as Tensor2D, [0, 0], [4, 8])) };
    };
    assert.deepEqual(lines(fn, { x: floatSpec(4, 8), w: floatSpec(8, 8) }, "bf16"), [
      "%0 = cast x : bf16[4,8]",
      "%1 = cast w : bf16[8,8]",
      "%2 = matmul %0 %1 : bf16[4,8]",
      "%3 = slice w {begin=[0,0] size=[4,8] step=[1,1]} : f32[4,8]",
      "%4 = reshape %2 : bf16[8,4]",
      "%5 = cast %3 : bf16[4,8]",
      "%6 = matmul %4 %5 : bf16[8,8]",
      "%7 = cast %6 : f32[8,8]",
      "return y = %7",
    ]);
  });

  it("leaves products that are sums in 32 bits", () => {
    const sums: TensorFn = ({ x, w }) => ({
      rows: tf.sum(x as Tensor, 0),
      weighted: tf.matMul(x as Tensor2D, tf.slice(w as Tensor2D, [0, 0], [8, 1])),
      segments: tf.unsortedSegmentSum(x as Tensor, tf.range(0, 32, 1, "int32") as tf.Tensor1D, 4),
    });
    const made = lines(sums, { x: floatSpec(32, 8), w: floatSpec(8, 8) });
    assert.equal(made.filter((line) => line.includes("matmul")).length, 3);
    assert.ok(!made.some((line) => line.includes("f16")), made.join("\n"));
  });

  it("changes nothing for f32 and tf32", () => {
    const fn: TensorFn = ({ x }) => ({ y: tf.matMul(x as Tensor2D, x as Tensor2D) });
    const text = (precision: "f32" | "tf32") =>
      printGraph(traceProgram("p", fn, { x: floatSpec(4, 4) }, precision).graph);
    assert.equal(text("tf32"), text("f32"));
    assert.ok(!text("f32").includes("cast"));
  });
});
