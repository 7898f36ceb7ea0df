import type { BatchMatMulAttrs } from "@tensorflow/tfjs";
import { traceKernel } from "../kernel.ts";

traceKernel<BatchMatMulAttrs>("BatchMatMul", (inputs, { transposeA, transposeB }, b) =>
  b.matmul(inputs.of("a"), inputs.of("b"), { transA: transposeA, transB: transposeB }),
);
