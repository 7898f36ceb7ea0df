import fs from "node:fs/promises";
import { extname } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Grid } from "../../base/grid.ts";
import type { DecodedVideo, Decoder } from "../../data/ingest/decoder.ts";
import type { Size } from "../../data/ingest/geometry.ts";
import { decoderFor, openDecoders } from "../../data/ingest/openDecoders.ts";

/** A picture or a video that was given, fitted to a size and rate that the model knows. */
export interface Given {
  readonly frames_THWC: Uint8Array;
  readonly grid: Grid;
}

export interface FitTo {
  /** One of them is chosen: that whose aspect ratio is nearest. */
  readonly sizes: readonly Size[];
  /** Frames a second. */
  readonly fps: number;
}

const TIMEOUT_MS = 300_000;
/** Bytes of a given video's frames at most, fitted. */
const MAX_BYTES = 2 ** 30;

/** Reads what is given with a command, as `kinema data ingest` does. */
export class GivenFiles {
  private readonly decoders: readonly Decoder[];

  private constructor(decoders: readonly Decoder[]) {
    this.decoders = decoders;
  }

  static async open(): Promise<GivenFiles> {
    return new GivenFiles(await openDecoders("auto", TIMEOUT_MS));
  }

  async close(): Promise<void> {
    for (const decoder of this.decoders) await decoder.close();
  }

  /** @throws UserError when the file is no picture. */
  async picture(flag: string, file: string, fit: FitTo): Promise<Given> {
    const { frames, frames_THWC, height, width } = await this.decode(flag, file, fit);
    if (frames === 1) return { frames_THWC, grid: { t: 1, h: height, w: width } };
    throw new UserError(flag, { expected: "a picture", got: `a video of ${frames} frames: ${file}` });
  }

  /**
   * As many of a video's frames as make 1 + a multiple of the VAE's time factor.
   * @param keep which end of it has to stay: the other loses what is over.
   * @param tell told when some are left out.
   * @throws UserError when the file is no video.
   */
  async video(
    flag: string,
    file: string,
    fit: FitTo & { readonly time: number; readonly keep: "first" | "last" },
    tell: (line: string) => void,
  ): Promise<Given> {
    const { frames, frames_THWC, height, width } = await this.decode(flag, file, fit);
    if (frames === 1) {
      const got = `one frame at ${fit.fps} a second: ${file}`;
      throw new UserError(flag, { expected: "a video of several frames", got, try: "--image FILE" });
    }
    const over = (frames - 1) % fit.time;
    if (over > 0) {
      const end = fit.keep === "first" ? "last" : "first";
      tell(`${flag}: the ${end} ${over} of ${frames} frames of ${file} are left out: the VAE takes 1 + ${fit.time} k`);
    }
    const kept = frames - over;
    const bytes = frames_THWC.length / frames;
    const first = fit.keep === "first" ? 0 : over;
    return {
      frames_THWC: frames_THWC.subarray(first * bytes, (first + kept) * bytes),
      grid: { t: kept, h: height, w: width },
    };
  }

  private async decode(flag: string, file: string, { sizes, fps }: FitTo): Promise<DecodedVideo> {
    await fs.access(file, fs.constants.R_OK).catch(() => {
      throw new UserError(flag, { expected: "a file that can be read", got: file });
    });
    const decoder = decoderFor(this.decoders, file);
    if (decoder === undefined) {
      const expected = `something here that decodes ${extname(file)}`;
      throw new UserError(flag, { expected, got: "nothing", try: "the npm package node-av, or ffmpeg on the PATH" });
    }
    const refuse = (got: string): UserError => new UserError(flag, { expected: "a file that can be decoded", got });
    const decoded = await decoder.decode({ path: file, fps, sizes, maxBytes: MAX_BYTES }).catch((error: unknown) => {
      throw refuse(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (decoded.numErrors > 0) throw refuse(`${file}, damaged: ${decoded.firstError}`);
    return decoded;
  }
}
