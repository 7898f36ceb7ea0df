/** What each row of a pack has room for. */
export interface RowSpace {
  readonly rows: number;
  readonly tokens: number;
  readonly frames: number;
  readonly clips: number;
}

/** What a clip takes of a row. */
export interface ClipSize {
  readonly tokens: number;
  readonly frames: number;
}

/** Clips that may wait for a later pack. More fill rows better and put clips further out of their order. */
export const LOOK_AHEAD = 32;

/**
 * Fills packs of rows with clips in the order in which they come. Each goes into the first row that has room for it; one
 * that finds none waits, and is among the first for the next pack. A pack is ready when `LOOK_AHEAD` clips wait. What it
 * holds depends on the clips and their order alone.
 */
export class RowFiller<T> {
  private readonly space: RowSpace;
  private readonly sizeOf: (clip: T) => ClipSize;
  private waitingClips: readonly T[] = [];

  /** @param sizeOf sizes of clips, none larger than a row. */
  constructor(space: RowSpace, sizeOf: (clip: T) => ClipSize) {
    this.space = space;
    this.sizeOf = sizeOf;
  }

  /** The clips of each row of the next pack. @param draw gives the next clip, endlessly. */
  next(draw: () => T): T[][] {
    const rows = Array.from({ length: this.space.rows }, () => new Row<T>(this.space));
    const isPlaced = (clip: T): boolean => rows.some((row) => row.take(clip, this.sizeOf(clip)));
    const waiting = this.waitingClips.filter((clip) => !isPlaced(clip));
    while (waiting.length < LOOK_AHEAD) {
      const clip = draw();
      if (!isPlaced(clip)) waiting.push(clip);
    }
    this.waitingClips = waiting;
    return rows.map(({ clips }) => clips);
  }

  /** Clips that were drawn and wait for the next pack, in their order: with the draws' place, where the filler stands. */
  get waiting(): readonly T[] {
    return this.waitingClips;
  }

  restore(waiting: readonly T[]): void {
    this.waitingClips = waiting;
  }
}

class Row<T> {
  readonly clips: T[] = [];
  private tokens: number;
  private frames: number;
  private places: number;

  constructor({ tokens, frames, clips }: RowSpace) {
    this.tokens = tokens;
    this.frames = frames;
    this.places = clips;
  }

  /** Takes a clip if it has room for it. */
  take(clip: T, { tokens, frames }: ClipSize): boolean {
    if (tokens > this.tokens || frames > this.frames || this.places === 0) return false;
    this.tokens -= tokens;
    this.frames -= frames;
    this.places -= 1;
    this.clips.push(clip);
    return true;
  }
}
