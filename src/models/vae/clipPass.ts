import { sizeOf } from "../../base/tensors.ts";
import type { Chunk, Direction, Volume } from "./chunkPrograms.ts";
import type { CodecPrograms, Kept } from "./codecPrograms.ts";
import { copyWindow, type Span, type Tile } from "./tiles.ts";

/** One clip's way through the VAE, chunk after chunk in order: each tile of the frame keeps its own past. */
export class ClipPass {
  private readonly programs: CodecPrograms;
  private readonly direction: Direction;
  private readonly tiles: readonly Tile[];
  private readonly pasts: Kept[];

  constructor(programs: CodecPrograms, direction: Direction, tiles: readonly Tile[]) {
    this.programs = programs;
    this.direction = direction;
    this.tiles = tiles;
    this.pasts = tiles.map(() => ({}));
  }

  /** Shapes: x and the result as the direction says for the chunk. */
  async next(x: Float32Array, chunk: Chunk): Promise<Float32Array> {
    const { from, to } = this.direction;
    const { cfg } = this.programs;
    const [source, target] = [from(cfg, chunk), to(cfg, chunk)];
    const y = new Float32Array(sizeOf(target));
    for (const [i, { h, w }] of this.tiles.entries()) {
      const part: Chunk = { ...chunk, latent: { t: chunk.latent.t, h: h.read.size, w: w.read.size } };
      const [partIn, partOut] = [from(cfg, part), to(cfg, part)];
      this.pasts[i] = await this.programs.run(
        this.direction,
        part,
        (data) => {
          const at = corner(source, chunk, h.read, w.read);
          copyWindow({ data: x, volume: source, at }, { data, volume: partIn, at: [0, 0] }, extent(partIn));
        },
        (data) => {
          const [rows, columns] = [
            h.keep.size * (target[1] / chunk.latent.h),
            w.keep.size * (target[2] / chunk.latent.w),
          ];
          const inside = { h: within(h.read, h.keep), w: within(w.read, w.keep) };
          copyWindow(
            { data, volume: partOut, at: corner(partOut, part, inside.h, inside.w) },
            { data: y, volume: target, at: corner(target, chunk, h.keep, w.keep) },
            [target[0], rows, columns],
          );
        },
        this.pasts[i],
      );
    }
    return y;
  }
}

/** Where a tile begins in a volume of a chunk, in rows and columns of that volume. */
function corner([, height, width]: Volume, { latent }: Chunk, h: Span, w: Span): [number, number] {
  return [h.start * (height / latent.h), w.start * (width / latent.w)];
}

function within(read: Span, keep: Span): Span {
  return { start: keep.start - read.start, size: keep.size };
}

function extent([frames, height, width]: Volume): [number, number, number] {
  return [frames, height, width];
}
