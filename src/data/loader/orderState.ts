import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";

const count = z.int().nonnegative();

const orderStateSchema = z.strictObject({
  /** Packs drawn. */
  packs: count,
  /** How often each plan was drawn, in their order. */
  plans: z.array(z.strictObject({ key: z.string(), drawn: count })),
  /** How far each queue is, all epochs together: epoch = floor(drawn / clips). */
  queues: z.array(z.strictObject({ kind: z.string(), source: count, clips: count, drawn: count })),
});

/** A place in the global order of clips, as plain JSON: counts only. */
export type OrderState = z.output<typeof orderStateSchema>;

/**
 * Reads a saved place. @param present that of the order which is to go on from it.
 * @throws UserError when it is none, or belongs to other clips or plans.
 */
export function readOrderState(saved: unknown, present: OrderState): OrderState {
  const state = conform(orderStateSchema, saved, "loader state");
  refuseOther("clips", state.queues.map(showQueue), present.queues.map(showQueue));
  refuseOther("plans", state.plans.map(showPlan), present.plans.map(showPlan));
  return state;
}

function showQueue({ kind, source, clips }: OrderState["queues"][number]): string {
  return `${clips} of ${kind}${source === 0 ? "" : ` in source ${source}`}`;
}

function showPlan({ key }: OrderState["plans"][number]): string {
  return key;
}

/** Differences shown at most. */
const SHOWN = 3;

function refuseOther(what: string, saved: readonly string[], present: readonly string[]): void {
  if (saved.join() === present.join()) return;
  const only = (here: readonly string[], there: readonly string[]) => {
    const rest = here.filter((item) => !there.includes(item));
    if (rest.length === 0) return here.length === there.length ? "another order" : "none";
    return `${rest.slice(0, SHOWN).join(", ")}${rest.length > SHOWN ? ` and ${rest.length - SHOWN} more` : ""}`;
  };
  throw new UserError("loader state", {
    expected: `the ${what} that it was saved with (${only(saved, present)})`,
    got: only(present, saved),
    try: "the dataset and recipe that the run was started with",
  });
}
