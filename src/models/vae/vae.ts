import type { Tensor5D } from "@tensorflow/tfjs";
import type { Params } from "../../nn/params.ts";
import type { Past } from "../../nn/past.ts";
import type { VaeConfig } from "./vaeConfig.ts";
import { VaeDecoder } from "./vaeDecoder.ts";
import { type Posterior, VaeEncoder } from "./vaeEncoder.ts";

/**
 * Causal video autoencoder: an image is a clip of one frame, and no frame depends on a later one.
 * Encoder and decoder are each a linear map of space-time patches plus a convolutional net that starts at zero, so a
 * linear autoencoder (see `pcaStart`) is where training begins.
 * B clips, T H W frames and pixels, C = 3 colours in [-1, 1], t h w z latent grid and channels.
 * Sources: causal convolutions arXiv:2310.05737, per-position norm arXiv:2503.20314, patches first arXiv:2501.00103.
 */
export class Vae {
  readonly encoder: VaeEncoder;
  readonly decoder: VaeDecoder;

  constructor(cfg: VaeConfig, p: Params) {
    this.encoder = new VaeEncoder(cfg, p.at("encoder"));
    this.decoder = new VaeDecoder(cfg, p.at("decoder"));
  }

  /**
   * Shapes: video_BTHWC in [-1, 1] -> mean and logvar, each Bthwz.
   * @param past when the video is a chunk of a longer clip: 1 + k time frames at its start, k time later.
   */
  encode(video_BTHWC: Tensor5D, past?: Past): Posterior {
    return this.encoder.call(video_BTHWC, past);
  }

  /** Shapes: z_Bthwz -> video_BTHWC, about [-1, 1], not clipped. @param past when z is a chunk of a longer clip. */
  decode(z_Bthwz: Tensor5D, past?: Past): Tensor5D {
    return this.decoder.call(z_Bthwz, past);
  }
}
