import type { Grid } from "../../base/grid.ts";
import type { ClipView } from "../../data/augment/views.ts";
import type { StoreRow } from "../../data/shards/rowStores.ts";

/** For which of a step's accumulated batches something is drawn: part of the key of every random draw. */
export interface BatchPlace {
  /** The first step is 1. */
  readonly step: number;
  /** From 0. */
  readonly part: number;
}

/** A pack of latents for the diffusion transformer. */
export interface PackOrder extends BatchPlace {
  readonly kind: "pack";
  /** In the order in which they lie in the pack. */
  readonly clips: readonly PackedClip[];
  /** Clips of each row, in masked packs. */
  readonly rowClips?: readonly number[];
}

export interface PackedClip {
  readonly row: StoreRow;
  /** Its place in the pack, in tokens. Where more is stored, the first frames and the middle are used: `cropLatent`. */
  readonly grid: Grid;
  /** How often the same content comes before it in the pack: each time it gets draws of its own. */
  readonly repeat: number;
}

/** Clips of equal shape for the autoencoder. */
export interface ClipsOrder extends BatchPlace {
  readonly kind: "clips";
  readonly clips: readonly ViewedClip[];
}

export interface ViewedClip {
  readonly row: StoreRow;
  /** Of the stored frames, the first ones that count. */
  readonly frames: number;
  /** How it is shown. */
  readonly view: ClipView;
}

/** What a batch holds: a plain value that, with the stores, decides each of its numbers. */
export type BatchOrder = PackOrder | ClipsOrder;
