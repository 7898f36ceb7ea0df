import type { Engine, Program } from "../../engine/engine.ts";
import { withCompile } from "../../engine/withCompile.ts";

/** A workload to measure. */
export interface BenchCase {
  readonly describe: string;
  /** Compiles and binds the workload; the function it gives runs one step of it. */
  prepare(engine: Engine): Promise<() => Promise<void>>;
}

/** One measurement, as `kinema engine bench --json` prints it. */
export interface BenchResult {
  readonly case: string;
  /** Kind of the engine: onnx, tensorflow, wasm, cpu. */
  readonly engine: string;
  /** Median over the measured steps. */
  readonly msPerStep: number;
  /** 10^9 floating-point operations a second, counting matrix products and convolutions; null where not counted. */
  readonly gflops: number | null;
  /** The process' largest resident memory so far. */
  readonly peakRssMb: number;
  /** Tracing, encoding and loading of every program of the case. */
  readonly compileMs: number;
}

/** Enough for lazy allocations and caches to settle. */
const WARM_UP_STEPS = 3;

/** Measures a case. The engine stays usable. */
export async function measure(name: string, bench: BenchCase, engine: Engine, numSteps: number): Promise<BenchResult> {
  const programs: Program[] = [];
  const watched = withCompile(engine, async (...what) => {
    const program = await engine.compile(...what);
    programs.push(program);
    return program;
  });
  const step = await bench.prepare(watched);
  for (let i = 0; i < WARM_UP_STEPS; i++) await step();
  const times: number[] = [];
  for (let i = 0; i < numSteps; i++) {
    const started = performance.now();
    await step();
    times.push(performance.now() - started);
  }
  const msPerStep = median(times);
  const flops = Math.max(0, ...programs.map((program) => program.flops ?? 0));
  return {
    case: name,
    engine: engine.kind,
    msPerStep: round(msPerStep),
    gflops: flops === 0 ? null : round(flops / msPerStep / 1e6),
    peakRssMb: round(process.resourceUsage().maxRSS / 1024),
    compileMs: round(programs.reduce((sum, program) => sum + program.compileMs, 0)),
  };
}

/** The middle of some values, or the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
