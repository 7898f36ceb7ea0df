import type { Scalar, Tensor5D } from "@tensorflow/tfjs";
import { CausalResBlock } from "../../src/nn/causalResBlock.ts";
import { channelsFirst, channelsLast } from "../../src/nn/channels.ts";
import { bindParams, type Params } from "../../src/nn/params.ts";
import { type GoldenTensor, goldenTensor, goldenTensors, readGolden } from "../goldens/golden.ts";
import { assertClose, gradients } from "./numeric.ts";

describe("CausalResBlock", () => {
  const { block } = readGolden<{
    block: {
      x_BTHWC: GoldenTensor;
      y_BTHWC: GoldenTensor;
      weights: Record<string, GoldenTensor>;
      gradients: Record<string, GoldenTensor>;
    };
  }>("vae");
  const weights = goldenTensors(block.weights);
  const call = (p: Params) =>
    channelsLast(
      new CausalResBlock(2, 4, [3, 3, 3], p.at("block")).call(channelsFirst(goldenTensor(block.x_BTHWC) as Tensor5D)),
    );

  it("gives PyTorch's values and gradients", () => {
    assertClose(call(bindParams(weights)), goldenTensor(block.y_BTHWC), 1e-5);
    const { grads } = gradients((p) => call(p).square().sum() as Scalar, weights);
    for (const [name, expected] of Object.entries(block.gradients)) {
      assertClose(grads[name] as Tensor5D, goldenTensor(expected), 1e-5, name);
    }
  });
});
