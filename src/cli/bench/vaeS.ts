import type { Scalar, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { KeyedRandom } from "../../base/random.ts";
import { floats, withoutPrefix, withPrefix } from "../../base/tensors.ts";
import type { ProgramSource } from "../../engine/compile.ts";
import type { Signature, TensorFn, TensorMap } from "../../engine/engine.ts";
import { valueAndGrads } from "../../engine/ops/gradients.ts";
import { CausalResBlock } from "../../nn/causalResBlock.ts";
import { bindParams, declareParams, type Params } from "../../nn/params.ts";
import { FlatLayout } from "../../train/flatState.ts";
import { StateBuffer } from "../../train/stateBuffer.ts";
import type { BenchCase, BenchMode } from "./case.ts";
import { randomParams } from "./randomParams.ts";

/** B I T H W. */
const inputShape = [1, 32, 8, 64, 64];
const kernel = [3, 3, 3] as const;
const PARAM = "param/";
const GRAD = "grad/";

const blocks = "two causal residual blocks 32 -> 64 channels on 1x32x8x64x64";

/** Loss and gradients of two causal residual blocks, 32 -> 64 -> 64 channels; or their loss alone. */
export const vaeS: BenchCase = {
  describe: { train: `loss and gradients of ${blocks}`, forward: `loss of ${blocks}` },
  source,
  async prepare(engine, mode) {
    const layout = new FlatLayout(declareParams(buildBlocks));
    const x = floats(inputShape);
    new KeyedRandom(0, "bench video").fillNormal(x.data);
    const { name, fn, signature } = source(mode);
    const program = await engine.compile(name, fn, signature);
    const params = await StateBuffer.place(engine, layout, randomParams(layout));
    const grads = mode === "train" ? (await StateBuffer.place(engine, layout)).tensors : {};
    const binding = program.bind({ x, ...withPrefix(params.tensors, PARAM) }, withPrefix(grads, GRAD));
    return () => binding.run();
  },
};

function source(mode: BenchMode): ProgramSource {
  const { slots } = new FlatLayout(declareParams(buildBlocks));
  const params = slots.map(({ path, shape }) => [PARAM + path, { shape, dtype: "float32" }] as const);
  const signature: Signature = { x: { shape: inputShape, dtype: "float32" }, ...Object.fromEntries(params) };
  return { name: "vae-s", fn: mode === "train" ? lossAndGrads : lossAlone, signature };
}

function buildBlocks(p: Params): CausalResBlock[] {
  return [new CausalResBlock(32, 64, kernel, p.at("blocks.0")), new CausalResBlock(64, 64, kernel, p.at("blocks.1"))];
}

const lossAlone: TensorFn = ({ x, ...params }) => ({ loss: lossOf(x as Tensor5D, withoutPrefix(params, PARAM)) });

const lossAndGrads: TensorFn = ({ x, ...params }) => {
  const { value, grads } = valueAndGrads(
    (tensors) => ({ loss: lossOf(x as Tensor5D, tensors), aux: {} }),
    withoutPrefix(params, PARAM),
  );
  return { loss: value, ...withPrefix(grads, GRAD) };
};

function lossOf(x: Tensor5D, params: TensorMap): Scalar {
  const y_BOTHW = buildBlocks(bindParams(params)).reduce((h, block) => block.call(h), x);
  return tf.mean<Scalar>(tf.square(y_BOTHW));
}
