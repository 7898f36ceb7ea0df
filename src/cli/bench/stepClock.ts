import type { Binding, Engine, Program } from "../../engine/engine.ts";
import { withCompile } from "../../engine/withCompile.ts";

/** A stretch of time in which at least one run of a part is under way. */
interface Stretch {
  numRunning: number;
  since: number;
  totalMs: number;
}

/** Tells the time of a step apart by the programs that run in it. */
export class StepClock {
  /** The engine to measure, as the workload should see it. */
  readonly engine: Engine;
  readonly programs: Program[] = [];
  private readonly inner: Engine;
  private readonly stretches = new Map<string, Stretch>();
  private uploadMs = 0;

  constructor(engine: Engine) {
    this.inner = engine;
    this.engine = withCompile(engine, async (name, ...what) => {
      const program = await engine.compile(name, ...what);
      this.programs.push(program);
      return this.timed(program, partOf(name));
    });
  }

  /** Forgets the time so far. */
  restart(): void {
    for (const stretch of this.stretches.values()) stretch.totalMs = 0;
    this.uploadMs = this.inner.transfers.uploadMs;
  }

  /** Milliseconds by part since the restart, of `totalMs` in all. */
  parts(totalMs: number): Record<string, number> {
    const copied = this.inner.transfers.uploadMs - this.uploadMs;
    const parts = [...this.stretches].map(([part, stretch]) => [part, stretch.totalMs] as const);
    const known = parts.reduce((sum, [, ms]) => sum + ms, 0);
    const withCopies = this.inner.memory === "host" ? {} : { "of which batch in": copied };
    return { ...Object.fromEntries(parts), ...withCopies, rest: Math.max(0, totalMs - known) };
  }

  private timed(program: Program, part: string): Program {
    const bind: Program["bind"] = (inputs, outputs) => this.watched(program.bind(inputs, outputs), part);
    return Object.assign(Object.create(program) as Program, { bind });
  }

  private watched(binding: Binding, part: string): Binding {
    const stretch = this.stretches.get(part) ?? { numRunning: 0, since: 0, totalMs: 0 };
    this.stretches.set(part, stretch);
    const run = async (): Promise<void> => {
      if (stretch.numRunning === 0) stretch.since = performance.now();
      stretch.numRunning++;
      try {
        await binding.run();
      } finally {
        stretch.numRunning--;
        if (stretch.numRunning === 0) stretch.totalMs += performance.now() - stretch.since;
      }
    };
    return { outputs: binding.outputs, run, dispose: () => binding.dispose() };
  }
}

/** `gradient dit-s` and `adamw [384,384]` are parts `gradient` and `adamw`. */
function partOf(program: string): string {
  return program.split(" ", 1)[0] as string;
}
