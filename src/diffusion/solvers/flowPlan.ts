import { assert } from "../../base/errors.ts";
import { type Solver, type Stage, stands } from "./solver.ts";

/** A stage of all tracks at once: what each asks, and what follows for it. Lists are in the order of the tracks. */
export type JointStage = readonly Stage[];

/**
 * The stages of every step for tracks that move together, each by its own times. A stage in which no track moves is left
 * out: nothing need be asked. @param times of each track; all take as many steps.
 */
export function planFlow(solver: Solver, times: readonly (readonly number[])[]): JointStage[][] {
  const numSteps = (times[0]?.length ?? 1) - 1;
  for (const list of times) {
    assert(list.length === numSteps + 1, "all tracks take as many steps");
    assert(
      list.every((time, i) => time >= 0 && time <= (list[i - 1] ?? 1)),
      "times go down, within [0, 1]",
    );
  }
  const plans = new Map<string, Stage[][]>();
  const ofTracks = times.map((list) => {
    const key = list.join();
    const plan = plans.get(key) ?? solver.plan(list);
    plans.set(key, plan);
    return plan;
  });
  return Array.from({ length: numSteps }, (_, step) => {
    const stages = ofTracks[0]?.[step] ?? [];
    return [...stages.keys()]
      .map((stage) => ofTracks.map((plan) => plan[step]?.[stage] as Stage))
      .filter((joint) => !joint.every(stands));
  });
}
