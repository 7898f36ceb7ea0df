import { createProgress } from "../../report/progress.ts";

/** Shows a progress line while `work` runs. There is none when it ends before its first step: refused, or nothing to do. */
export async function withProgress<T>(
  title: string,
  total: number,
  work: (update: (done: number) => void) => Promise<T>,
): Promise<T> {
  const progress = createProgress(title, total);
  let begun = false;
  try {
    return await work((done) => {
      begun = true;
      progress.update(done);
    });
  } finally {
    if (begun) progress.stop();
  }
}
