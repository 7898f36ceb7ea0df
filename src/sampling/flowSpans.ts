import { type Grid, gridSize } from "../base/grid.ts";
import type { Track } from "../diffusion/followFlow.ts";

/** Where a clip lies in a flow: its tokens' values one after the other, and a track for each frame of tokens. */
export interface FlowSpan {
  /** In tokens. */
  readonly grid: Grid;
  readonly firstValue: number;
  readonly numValues: number;
  /** Number of its first track. */
  readonly firstFrame: number;
}

/** Clips one after the other. @param valuesPerToken see `patchWidth`. */
export function flowSpans(grids: readonly Grid[], valuesPerToken: number): FlowSpan[] {
  let [firstValue, firstFrame] = [0, 0];
  return grids.map((grid) => {
    const span = { grid, firstValue, numValues: gridSize(grid) * valuesPerToken, firstFrame };
    firstValue += span.numValues;
    firstFrame += grid.t;
    return span;
  });
}

/** A track for each frame of a clip. @param times those of each frame. */
export function frameTracks({ grid, firstValue, numValues }: FlowSpan, times: readonly (readonly number[])[]): Track[] {
  const length = numValues / grid.t;
  return times.map((ofFrame, frame) => ({ first: firstValue + frame * length, length, times: ofFrame }));
}
