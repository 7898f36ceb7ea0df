import { runProgram } from "../../base/program.ts";

const found = new Map<string, Promise<boolean>>();

/** Whether `ffmpeg` or `ffprobe` is on the PATH and answers. */
export function hasProgram(name: "ffmpeg" | "ffprobe"): Promise<boolean> {
  const known = found.get(name);
  if (known !== undefined) return known;
  const asked = runProgram(name, ["-version"], { timeoutMs: 60_000 }).then(
    ({ code }) => code === 0,
    () => false,
  );
  found.set(name, asked);
  return asked;
}
