import type { Scalar, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { KeyedRandom } from "../../base/random.ts";
import { floats, withoutPrefix, withPrefix } from "../../base/tensors.ts";
import type { Signature, TensorFn } from "../../engine/engine.ts";
import { valueAndGrads } from "../../engine/ops/gradients.ts";
import { CausalResBlock } from "../../nn/causalResBlock.ts";
import { bindParams, declareParams, type Params } from "../../nn/params.ts";
import { FlatLayout } from "../../train/flatState.ts";
import type { BenchCase } from "./case.ts";
import { randomParams } from "./randomParams.ts";

/** B I T H W. */
const inputShape = [1, 32, 8, 64, 64];
const kernel = [3, 3, 3] as const;
const PARAM = "param/";
const GRAD = "grad/";

/** Loss and gradients of two causal residual blocks, 32 -> 64 -> 64 channels. */
export const vaeS: BenchCase = {
  describe: "loss and gradients of two causal residual blocks 32 -> 64 channels on 1x32x8x64x64",
  async prepare(engine) {
    const layout = new FlatLayout(declareParams(buildBlocks));
    const signature: Signature = {
      x: { shape: inputShape, dtype: "float32" },
      ...Object.fromEntries(layout.slots.map(({ path, shape }) => [PARAM + path, { shape, dtype: "float32" }])),
    };
    const x = floats(inputShape);
    new KeyedRandom(0, "bench video").fillNormal(x.data);
    const program = await engine.compile("vae-s", lossAndGrads, signature);
    const binding = program.bind(
      { x, ...layout.views(randomParams(layout), PARAM) },
      layout.views(layout.allocate(), GRAD),
    );
    return () => binding.run();
  },
};

function buildBlocks(p: Params): CausalResBlock[] {
  return [new CausalResBlock(32, 64, kernel, p.at("blocks.0")), new CausalResBlock(64, 64, kernel, p.at("blocks.1"))];
}

const lossAndGrads: TensorFn = ({ x, ...params }) => {
  const { value, grads } = valueAndGrads(
    (tensors) => {
      const y_BOTHW = buildBlocks(bindParams(tensors)).reduce((h, block) => block.call(h), x as Tensor5D);
      return { loss: tf.mean<Scalar>(tf.square(y_BOTHW)), aux: {} };
    },
    withoutPrefix(params, PARAM),
  );
  return { loss: value, ...withPrefix(grads, GRAD) };
};
