import assert from "node:assert/strict";
import { type RollingExtent, RollingSchedule, rollingSchema } from "../../../src/sampling/rolling/schedule.ts";

const extent: RollingExtent = { numFrames: 23, numGiven: 0, window: 5, steps: 7 };
const clip = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** Fails unless every frame takes all steps, one after the other, while it is in the window with a finished one. */
function assertSound(schedule: RollingSchedule, { numFrames, numGiven, window, steps }: RollingExtent): void {
  for (let frame = 0; frame < numFrames; frame++) {
    const levels = Array.from({ length: schedule.numSteps + 1 }, (_, step) => schedule.levelAt(step, frame));
    assert.equal(levels[0], frame < numGiven ? 0 : steps);
    assert.equal(levels.at(-1), 0);
    for (const [step, level] of levels.slice(0, -1).entries()) {
      const next = levels[step + 1] as number;
      assert.ok(next === level || next === level - 1);
      if (next === level) continue;
      const first = schedule.windowAt(step);
      assert.ok(first <= frame && frame < first + window, `frame ${frame} at step ${step}, window from ${first}`);
      const hasContext = first === 0 || schedule.levelAt(step, first) === 0;
      assert.ok(hasContext, `a finished frame before those that are drawn at step ${step}`);
    }
  }
  const windows = Array.from({ length: schedule.numSteps }, (_, step) => schedule.windowAt(step));
  for (const [step, first] of windows.entries()) {
    assert.ok(first >= (windows[step - 1] ?? 0) && first + window <= Math.max(numFrames, window));
    if (first !== windows[step - 1]) assert.ok(schedule.turns.includes(step) || step === 0);
  }
}

describe("rolling schedule", () => {
  for (const kind of ["blocks", "frames"] as const) {
    it(`brings every frame from noise to clip inside the window, with finished ones before it: ${kind}`, () => {
      for (const context of [0.2, 0.4, 0.6, 0.8]) {
        for (const change of [{}, { numGiven: 1 }, { numGiven: 9 }, { numFrames: 5 }, { numFrames: 6 }, { steps: 1 }]) {
          const all = { ...extent, ...change };
          assertSound(new RollingSchedule(rollingSchema.parse({ kind, context }), all), all);
        }
      }
    });
  }

  it("is K[m, i] = clip(S + floor(i u) - m, 0, S) frame by frame", () => {
    const schedule = new RollingSchedule(rollingSchema.parse({ kind: "frames", context: 0.4 }), extent);
    const u = 7 / 3;
    for (let m = 0; m <= schedule.numSteps; m++) {
      for (let i = 0; i < 23; i++) {
        assert.equal(schedule.levelAt(m, i), clip(7 + Math.floor(i * u) - m, 7));
      }
    }
    assert.equal(schedule.numSteps, 7 + Math.floor(22 * u));
  });

  it("draws a first block as long as the window, then blocks of what the context leaves", () => {
    const schedule = new RollingSchedule(rollingSchema.parse({ context: 0.4 }), { ...extent, numFrames: 12 });
    assert.deepEqual(schedule.turns, [0, 7, 14, 21, 28]);
    assert.deepEqual(
      [0, 7, 14, 21].map((step) => [schedule.windowAt(step), schedule.newestAt(step)]),
      [
        [0, 4],
        [3, 7],
        [6, 10],
        [7, 11],
      ],
    );
  });

  it("takes time in proportion to the length", () => {
    for (const kind of ["blocks", "frames"] as const) {
      const steps = (numFrames: number) =>
        new RollingSchedule(rollingSchema.parse({ kind }), { ...extent, numFrames }).numSteps;
      const [some, more, many] = [35, 65, 305].map(steps) as [number, number, number];
      assert.ok(Math.abs((many - more) / (more - some) - 8) < 0.1, `${some}, ${more} and ${many} steps`);
    }
  });
});
