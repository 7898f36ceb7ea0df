import * as tf from "@tensorflow/tfjs";

/**
 * Runs `work`, which may differentiate, and leaves tfjs' gradient tape as it was: tfjs itself drops the outer tape when
 * a gradient ends inside another, and keeps what a failed one had saved.
 */
export function withTapeRestored<T>(work: () => T): T {
  const { state } = tf.engine();
  const outer = state.activeTape;
  try {
    return work();
  } catch (error) {
    if (state.activeTape !== outer) {
      for (const { saved } of state.activeTape ?? []) for (const tensor of saved ?? []) tensor.dispose();
    }
    throw error;
  } finally {
    state.activeTape = outer;
  }
}
