import type { Video } from "../../data/media/video.ts";
import type { Scene } from "../../data/shapes/scene.ts";
import { type Mode, modes } from "../../sampling/modes/trained.ts";

/** What is measured: every mode of `kinema sample`, and what a model does without any. */
export type MeasuredMode = "text" | "image" | Mode;
export const MEASURED_MODES: readonly MeasuredMode[] = ["text", "image", ...modes];

/** Frames that were given, as the VAE alone reconstructs them. */
export interface GivenFrames {
  /** Where the first of them stands in the result. */
  readonly first: number;
  readonly frames_THWC: Uint8Array;
}

/** An attribute that an edit changes. */
export type EditedAttribute = "colour" | "shape";

/** What a result of a mode is held against. */
export interface ModeCase {
  readonly mode: MeasuredMode;
  /** What the result should show; of its frames, no more than whether they are several. */
  readonly scene: Scene;
  readonly given: readonly GivenFrames[];
  /** Frames that the step at a seam leads to, see `jumpAt`. */
  readonly seams: readonly number[];
  /** Whether the result is to be played again and again. */
  readonly loops: boolean;
  /** Of an edit: the clip that was changed, and what of it. */
  readonly edited?: { readonly source: Video; readonly attribute: EditedAttribute };
}
