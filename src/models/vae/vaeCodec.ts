import { z } from "zod";
import { assert } from "../../base/errors.ts";
import { type Grid, gridSize } from "../../base/grid.ts";
import type { Engine, EngineMap } from "../../engine/engine.ts";
import { decoding, encoding } from "./chunkPrograms.ts";
import { clipStream, type FrameSize, type StreamOptions } from "./clipStream.ts";
import { CodecPrograms } from "./codecPrograms.ts";
import { toBytes } from "./colour.ts";
import type { FrameSource } from "./regroup.ts";
import { clipGrid, latentGrid, type VaeConfig, vaeFactor } from "./vaeConfig.ts";
import { numColours } from "./vaeEncoder.ts";

export const chunkPixelsSchema = z
  .int()
  .positive()
  .default(2 ** 20)
  .describe(
    "Pixels (frames x height x width) that the VAE computes at once: longer clips go through it in chunks, larger frames " +
      "in tiles, to the same result. 1,048,576: 4 frames of 512x512, 0.3 GB with 96 channels at a quarter of the size.",
  );

/**
 * A VAE with weights on an engine: clips to latents and back. Long clips go through it in chunks and large frames in
 * tiles, each exactly as if computed whole, so that memory grows with neither. Programs are compiled once for each shape
 * of chunk. Streams and calls may overlap; chunks are computed one at a time.
 */
export class VaeCodec {
  readonly cfg: VaeConfig;
  private readonly programs: CodecPrograms;
  private readonly chunkPixels: number;

  /** @param chunkPixels pixels (frames x height x width) computed at once, as far as the net's reach allows. */
  constructor(engine: Engine, cfg: VaeConfig, weights: EngineMap, chunkPixels = chunkPixelsSchema.parse(undefined)) {
    this.cfg = cfg;
    this.programs = new CodecPrograms(engine, cfg, weights);
    this.chunkPixels = chunkPixels;
  }

  /** The latent grid of a clip. @throws UserError when the factors do not divide its size. */
  latentGrid(clip: Grid): Grid {
    return latentGrid(clip, vaeFactor(this.cfg));
  }

  /** Posterior means, not normalised. Shapes: frames_THWC bytes -> latent_thwz. */
  async encode(frames_THWC: Uint8Array, clip: Grid): Promise<Float32Array> {
    const latent = this.latentGrid(clip);
    assert(frames_THWC.length === gridSize(clip) * numColours, "the frames have the clip's size");
    const latent_thwz = new Float32Array(gridSize(latent) * this.cfg.latentChannels);
    await gather(latent_thwz, clipStream(this.programs, encoding, [frames_THWC], latent, this.options(latent.t)));
    return latent_thwz;
  }

  /** Shapes: latent_thwz, not normalised -> frames_THWC bytes. */
  async decode(latent_thwz: Float32Array, latent: Grid): Promise<Uint8Array> {
    assert(latent_thwz.length === gridSize(latent) * this.cfg.latentChannels, "the latents have their grid's size");
    const frames_THWC = new Uint8Array(gridSize(clipGrid(latent, vaeFactor(this.cfg))) * numColours);
    await gather(
      frames_THWC,
      bytesOf(clipStream(this.programs, decoding, [latent_thwz], latent, this.options(latent.t))),
    );
    return frames_THWC;
  }

  /**
   * Posterior means of a clip as its frames come: 1 + k time frames give 1 + k latent frames, some at a time.
   * Shapes: frames_THWC bytes of any number of frames in each array -> latent_thwz, not normalised.
   * @param size in pixels.
   * @throws UserError when the factors do not divide the size, or at the end the number of frames.
   */
  encodeStream(frames: FrameSource<Uint8Array>, size: FrameSize): AsyncGenerator<Float32Array, void, undefined> {
    return clipStream(this.programs, encoding, frames, this.latentGrid({ t: 1, ...size }), this.options());
  }

  /**
   * Frames of a clip as its latents come, some at a time.
   * Shapes: latent_thwz, not normalised, of any number of frames in each array -> frames_THWC bytes.
   * @param size in latent cells.
   * @param numLatents how many frames of latents there will be, where that is known: a short clip is then one chunk.
   */
  decodeStream(
    latents: FrameSource<Float32Array>,
    size: FrameSize,
    numLatents?: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return bytesOf(clipStream(this.programs, decoding, latents, size, this.options(numLatents)));
  }

  /** Frees its programs. They are compiled again when it is used again. */
  dispose(): Promise<void> {
    return this.programs.dispose();
  }

  private options(numLatents?: number): StreamOptions {
    const { chunkPixels } = this;
    return { chunkPixels, ...(numLatents !== undefined && { numLatents }) };
  }
}

async function* bytesOf(signed: AsyncIterable<Float32Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frames of signed) yield toBytes(frames);
}

async function gather<A extends Float32Array | Uint8Array>(all: A, parts: AsyncIterable<A>): Promise<void> {
  let filled = 0;
  for await (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  assert(filled === all.length, "the parts make the whole");
}
