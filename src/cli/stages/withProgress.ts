import { createProgress, type Progress } from "../../report/progress.ts";

/**
 * Shows a progress line while `work` runs, from its first `update` on: what that one says was done before. There is no
 * line when it never comes: refused, or nothing to do.
 */
export async function withProgress<T>(
  title: string,
  total: number,
  work: (update: (done: number, text?: string) => void, tell: (line: string) => void) => Promise<T>,
): Promise<T> {
  let progress: Progress | undefined;
  const update = (done: number, text?: string): void => {
    progress ??= createProgress(title, total, { start: done });
    progress.update(done, text);
  };
  const tell = (line: string): void => {
    if (progress === undefined) process.stderr.write(`${line}\n`);
    else progress.log(line);
  };
  try {
    return await work(update, tell);
  } finally {
    progress?.stop();
  }
}
