import type { Manifest } from "../../data/manifest.ts";

/** What was built, in a line: `data/x: 5 clips, 133 frames in 4 sizes, 2 files left out`. */
export function summaryOf(dir: string, { clips, frames, grids, skipped }: Manifest): string {
  const left = skipped.length === 0 ? "" : `, ${counted(skipped.length, "file")} left out`;
  return `${dir}: ${counted(clips, "clip")}, ${counted(frames, "frame")} in ${counted(grids.length, "size")}${left}`;
}

/** `1 clip`, `2 clips`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
