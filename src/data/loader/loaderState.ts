import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";
import type { ClipQueue } from "./clipQueue.ts";

const stateSchema = z.strictObject({
  step: z.int().nonnegative(),
  queues: z.record(
    z.string(),
    z.strictObject({ epoch: z.int().nonnegative(), drawn: z.int().nonnegative(), size: z.int().positive() }),
  ),
});

/** A loader's place in its sequence, as plain JSON. Keys of `queues` are grids or shapes. */
export type LoaderState = z.infer<typeof stateSchema>;

/** The state of a loader at `step`. */
export function stateOf(step: number, queues: ReadonlyMap<string, ClipQueue>): LoaderState {
  return { step, queues: Object.fromEntries([...queues].map(([key, queue]) => [key, queue.state])) };
}

/** Puts queues back where `state` has them; returns its step. @throws UserError when it is of other clips. */
export function restoreQueues(state: unknown, queues: ReadonlyMap<string, ClipQueue>): number {
  const parsed = conform(stateSchema, state, "loader state");
  const describe = (sizes: readonly (readonly [string, number])[]): string =>
    sizes
      .map(([key, size]) => `${size} of ${key}`)
      .sort()
      .join(", ");
  const saved = describe(Object.entries(parsed.queues).map(([key, { size }]) => [key, size]));
  const present = describe([...queues].map(([key, queue]) => [key, queue.state.size]));
  if (saved !== present) {
    throw new UserError("loader state", { expected: `clips as when it was saved (${saved})`, got: present });
  }
  for (const [key, queue] of queues) {
    const place = parsed.queues[key];
    if (place !== undefined) queue.restore(place);
  }
  return parsed.step;
}
