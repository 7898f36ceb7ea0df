import { assert, UserError } from "../../base/errors.ts";
import type { Grid } from "../../base/grid.ts";
import { sizeOf } from "../../base/tensors.ts";
import type { Chunk, Direction } from "./chunkPrograms.ts";
import { ClipPass } from "./clipPass.ts";
import type { CodecPrograms } from "./codecPrograms.ts";
import { toSigned } from "./colour.ts";
import { type FrameSource, regroup } from "./regroup.ts";
import { type Tile, tilesOf } from "./tiles.ts";
import { type VaeConfig, vaeFactor } from "./vaeConfig.ts";

/** Height and width: of pixels, or of latent cells. */
export type FrameSize = Pick<Grid, "h" | "w">;

/** Latent frames computed at once: more gain nothing, as the frames before a chunk are an eighth of it. */
const MOST_LATENTS = 16;

export interface StreamOptions {
  /** Pixels (frames x height x width) computed at once, as far as the net's reach allows. */
  readonly chunkPixels: number;
  /** How many latent frames there will be, where that is known: chunks are then of like size, and a short clip is one. */
  readonly numLatents?: number;
}

/**
 * A clip's way through the VAE as its frames come: chunks of a few latent frames, each in tiles.
 * @param source pixels as bytes, or latents, of any number of frames in each array.
 * @param size of a frame in latent cells.
 * @throws UserError at the end when the frames that came do not make whole latent frames.
 */
export async function* clipStream(
  programs: CodecPrograms,
  direction: Direction,
  source: FrameSource<Uint8Array | Float32Array>,
  { h, w }: FrameSize,
  { chunkPixels, numLatents }: StreamOptions,
): AsyncGenerator<Float32Array, void, undefined> {
  const { cfg } = programs;
  const tiles = tilesOf(cfg, { h, w }, chunkPixels / vaeFactor(cfg)[0]);
  const pass = new ClipPass(programs, direction, tiles);
  const most = latentsAtOnce(cfg, tiles, chunkPixels);
  const perChunk = numLatents === undefined ? most : Math.ceil(numLatents / Math.ceil(numLatents / most));
  const chunkOf = (place: Chunk["place"], t = perChunk): Chunk => ({ latent: { t, h, w }, place });
  const [first, later] = [direction.from(cfg, chunkOf("first")), direction.from(cfg, chunkOf("later"))];
  const frameSize = sizeOf(first.slice(1));
  let isStart = true;
  for await (const frames of regroup(source, frameSize, first[0], later[0])) {
    const t = latentsIn(cfg, direction, frames.length / frameSize, isStart);
    const isWhole = isStart && (t < perChunk || t === numLatents);
    const place = isStart ? "first" : "later";
    const chunk = isWhole ? chunkOf("whole", t) : chunkOf(place);
    // What a last chunk lacks is left zero: no frame before it sees that.
    const x = new Float32Array(sizeOf(direction.from(cfg, chunk)));
    if (frames instanceof Uint8Array) toSigned(frames, x);
    else x.set(frames);
    const y = await pass.next(x, chunk);
    yield y.subarray(0, sizeOf(direction.to(cfg, chunkOf(place, t))));
    isStart = false;
  }
}

function latentsAtOnce(cfg: VaeConfig, [tile]: readonly Tile[], chunkPixels: number): number {
  assert(tile !== undefined, "a frame has a tile");
  const [time, space] = vaeFactor(cfg);
  const perLatent = time * tile.h.read.size * tile.w.read.size * space ** 2;
  return Math.min(MOST_LATENTS, Math.max(1, Math.floor(chunkPixels / perLatent)));
}

/** Latent frames that frames going in stand for. */
function latentsIn(cfg: VaeConfig, { name }: Direction, numFrames: number, isStart: boolean): number {
  if (name === "decode") return numFrames;
  const [time] = vaeFactor(cfg);
  const numAfter = isStart ? numFrames - 1 : numFrames;
  if (numAfter % time === 0) return numAfter / time + (isStart ? 1 : 0);
  throw new UserError("vae", {
    expected: `1 + a multiple of ${time} frames`,
    got: `${numAfter % time} more than that`,
  });
}
