import type { FillAttrs, LinSpaceAttrs, RangeAttrs } from "@tensorflow/tfjs";
import { hostDType } from "../backend.ts";
import { traceKernel } from "../kernel.ts";

traceKernel<FillAttrs>("Fill", (_, { shape, value, dtype }, b) =>
  b.fill(Number(value), shape, hostDType(dtype ?? "float32")),
);
traceKernel("ZerosLike", (inputs, _, b) => b.fill(0, inputs.of("x").shape, inputs.of("x").dtype));
traceKernel("OnesLike", (inputs, _, b) => b.fill(1, inputs.of("x").shape, inputs.of("x").dtype));

traceKernel<RangeAttrs>("Range", (_, { start, stop, step, dtype }, b) => {
  const size = Math.max(0, Math.ceil((stop - start) / step));
  const values = Array.from({ length: size }, (_, i) => start + i * step);
  const data = dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values);
  return b.make("constant", [], { data, shape: [size], dtype: dtype === "int32" ? "int32" : "float32" });
});

traceKernel<LinSpaceAttrs>("LinSpace", (_, { start, stop, num }, b) => {
  const data = Float32Array.from({ length: num }, (_, i) =>
    num === 1 ? start : start + ((stop - start) * i) / (num - 1),
  );
  return b.make("constant", [], { data, shape: [num], dtype: "float32" });
});
