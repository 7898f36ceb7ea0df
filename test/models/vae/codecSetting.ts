import { KeyedRandom } from "../../../src/base/random.ts";
import { type HostTensor, sizeOf } from "../../../src/base/tensors.ts";
import type { HostMap } from "../../../src/engine/engine.ts";
import { Vae } from "../../../src/models/vae/vae.ts";
import { type VaeConfig, vaeSchema } from "../../../src/models/vae/vaeConfig.ts";
import { declareParams } from "../../../src/nn/params.ts";

/** Two levels, both of which halve time and space, and see past frames and neighbours. */
export const twoLevels = vaeSchema.parse({
  kind: "causal-conv",
  latentChannels: 4,
  levels: [
    { down: [2, 2], channels: 6, blocks: 1 },
    { down: [2, 2], channels: 8, blocks: 1, kernel: [2, 3, 5] },
  ],
});

/** Weights none of which is zero: a new VAE's convolutions do nothing yet. Activations keep about unit size. */
export function liveWeights(cfg: VaeConfig): HostMap {
  const entries = declareParams((p) => new Vae(cfg, p)).map(({ path, shape }): [string, HostTensor] => {
    const data = new KeyedRandom(1, "test.vae", path).fillNormal(new Float32Array(sizeOf(shape)));
    if (path.endsWith("gain")) data.fill(1);
    else {
      const fanIn = shape.length === 5 ? sizeOf(shape.slice(1)) : shape.length === 2 ? (shape[0] ?? 1) : 25;
      for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) / Math.sqrt(fanIn);
    }
    return [path, { shape, dtype: "float32", data }];
  });
  return Object.fromEntries(entries);
}

/** Noise in bytes: any difference of what is seen shows. */
export function noiseBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const random = new KeyedRandom(2, "test.video");
  for (let i = 0; i < length; i++) bytes[i] = Math.floor(random.uniform() * 256);
  return bytes;
}
