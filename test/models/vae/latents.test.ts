import { denormaliseLatents, LatentMoments, normaliseLatents } from "../../../src/models/vae/latents.ts";
import { assertClose, randomTensor } from "../../nn/numeric.ts";

describe("latent statistics", () => {
  const numChannels = 3;
  const values = randomTensor("latents", [400, numChannels]).mul([2, 0.1, 30]).add([5, -1, 0]);
  const latents = values.dataSync() as Float32Array;

  it("are the mean and deviation of each channel, over all batches", () => {
    const moments = new LatentMoments(numChannels);
    moments.add(latents.subarray(0, 300));
    moments.add(latents.subarray(300));
    const { mean, std } = moments.stats();
    assertClose(mean, values.mean(0), 1e-6);
    assertClose(std, values.sub(values.mean(0)).square().mean(0).sqrt(), 1e-6);
  });

  it("normalise to mean 0 and deviation 1, and back", () => {
    const moments = new LatentMoments(numChannels);
    moments.add(latents);
    const normal = normaliseLatents(latents.slice(), moments.stats());
    const again = new LatentMoments(numChannels);
    again.add(normal);
    assertClose(again.stats().mean, [0, 0, 0], 1, "mean", 1e-5);
    assertClose(again.stats().std, [1, 1, 1], 1e-5);
    assertClose(denormaliseLatents(normal, moments.stats()), latents, 1e-6);
  });
});
