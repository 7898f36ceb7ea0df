/** A small model of random weights to draw with. */
import { KeyedRandom } from "../../src/base/random.ts";
import { buildDiT } from "../../src/diffusion/ditPrograms.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { declareParams } from "../../src/nn/params.ts";
import type { LatentVideo } from "../../src/sampling/latentVideo.ts";
import type { VideoModel } from "../../src/sampling/textToVideo.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { randomCodec, smallDit } from "../train/loopSetting.ts";

/** A model of random weights, none of which is zero: a new transformer would draw the same whatever it is told. */
export function randomVideoModel(engine: Engine, text = true): VideoModel {
  const model = smallDit(text);
  const layout = new FlatLayout(declareParams((p) => buildDiT(model, p)));
  const params = new KeyedRandom(1, "test.weights").fillNormal(layout.allocate()).map((value) => value * 0.2);
  const statistics = { mean: [0.5, 0, -0.5, 0], std: [1, 2, 1, 0.5] };
  return { engine, model, weights: layout.views(params), codec: randomCodec(engine), statistics };
}

/** Latents of normal values, four channels. */
export function someLatents(t: number, key: string, { h = 4, w = 4 } = {}): LatentVideo {
  const latent_thwz = new KeyedRandom(2, "test.latents", key).fillNormal(new Float32Array(t * h * w * 4));
  return { grid: { t, h, w }, latent_thwz };
}
