export { gelu, silu } from "./activations.ts";
export { APART, attention } from "./attention.ts";
export { causalConv3d } from "./conv3d.ts";
export { type Objective, type ValueAndGrads, valueAndGrads } from "./gradients.ts";
export { linear } from "./linear.ts";
export { layerNorm, rmsNorm } from "./norms.ts";
export { rotary } from "./rotary.ts";
export { sumSquares } from "./sumSquares.ts";
export { oneHot, takeRows } from "./takeRows.ts";
