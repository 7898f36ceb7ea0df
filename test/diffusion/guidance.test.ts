import { guide } from "../../src/diffusion/guidance.ts";
import { assertClose, randomTensor } from "../nn/numeric.ts";

describe("guidance", () => {
  const c = randomTensor("conditional", [500], 2);
  const u = randomTensor("unconditional", [500]);
  const call = (scale: number, rescale: number) =>
    guide(c.dataSync() as Float32Array, u.dataSync() as Float32Array, { scale, rescale });

  it("goes from the unconditional through the conditional", () => {
    assertClose(call(0, 0), u, 1e-6);
    assertClose(call(1, 0), c, 1e-6);
    assertClose(call(4, 0), c.mul(4).sub(u.mul(3)), 1e-6);
  });

  it("rescaled in full has the conditional's deviation, in part a mix", () => {
    const std = (x: typeof c) => x.sub(x.mean()).square().mean().sqrt();
    const guided = c.mul(4).sub(u.mul(3));
    const full = guided.mul(std(c)).div(std(guided));
    assertClose(call(4, 1), full, 1e-5);
    assertClose(call(4, 0.7), full.mul(0.7).add(guided.mul(0.3)), 1e-5);
  });
});
