import { StopSignal } from "../../train/signals.ts";

/**
 * Does work that SIGINT and SIGTERM end in good order: it is given what aborts at the first signal, and a second ends
 * the process at once.
 */
export async function interruptible<T>(work: (aborts: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new StopSignal();
  try {
    return await work(stop.aborts);
  } finally {
    stop.dispose();
  }
}
