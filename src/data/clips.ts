import type { ClipEntry } from "./clip.ts";
import { DamagedRow } from "./shards/damagedRow.ts";

/** Clips of a dataset, or of several. */
export interface Clips {
  readonly entries: readonly ClipEntry[];
  /** Pixels of a clip, T H W C, in memory of their own. @throws DamagedRow. */
  readFrames(index: number): Promise<Uint8Array>;
  /** Notes that a clip is damaged. @throws UserError when too many are. */
  note(damaged: DamagedRow): void;
}

/** A clip with its pixels. */
export interface WholeClip {
  readonly entry: ClipEntry;
  readonly frames_THWC: Uint8Array;
}

/** Reads clips one after the other. Damaged ones are noted and passed over. */
export async function* wholeClips(clips: Clips, entries: Iterable<ClipEntry>): AsyncGenerator<WholeClip> {
  for (const entry of entries) {
    try {
      yield { entry, frames_THWC: await clips.readFrames(entry.index) };
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      clips.note(error);
    }
  }
}
