import type { ProgramSource } from "../../engine/compile.ts";
import type { Engine, Transfers } from "../../engine/engine.ts";
import { StepClock } from "./stepClock.ts";

/** A training step, or a forward pass alone. */
export const benchModes = ["train", "forward"] as const;
export type BenchMode = (typeof benchModes)[number];

/** A workload to measure. */
export interface BenchCase {
  readonly describe: Readonly<Record<BenchMode, string>>;
  /** The program that does most of the work. */
  source(mode: BenchMode): ProgramSource;
  /** Compiles and binds the workload; the function it gives runs one step of it. */
  prepare(engine: Engine, mode: BenchMode): Promise<() => Promise<void>>;
}

/** One measurement, as `kinema engine bench --json` prints it. */
export interface BenchResult {
  readonly case: string;
  readonly mode: BenchMode;
  /** Kind of the engine: onnx, tensorflow, wasm, cpu. */
  readonly engine: string;
  /** What computes, and how precisely: `onnx on webgpu, f16`. */
  readonly description: string;
  /** Median over the measured steps. */
  readonly msPerStep: number;
  /** 10^9 floating-point operations a second, counting matrix products and convolutions; null where not counted. */
  readonly gflops: number | null;
  /** Mean milliseconds of a step by part: its programs by name, copies to the device (`batch in`), and the rest. */
  readonly partsMs: Readonly<Record<string, number>>;
  /** Copies between host and device in one step; null on engines without a device. */
  readonly transfers: Omit<Transfers, "uploadMs"> | null;
  /** Megabytes of tensors kept on the device, and the peak where its allocator counts; null without a device. */
  readonly deviceMb: { readonly tensors: number; readonly peak: number | null } | null;
  /** The process' largest resident memory so far. */
  readonly peakRssMb: number;
  /** Tracing, encoding and loading of every program of the case. */
  readonly compileMs: number;
}

/** Enough for lazy allocations and caches to settle. */
const WARM_UP_STEPS = 3;

/** Measures a case. The engine stays usable. */
export async function measure(
  name: string,
  bench: BenchCase,
  engine: Engine,
  numSteps: number,
  mode: BenchMode = "train",
): Promise<BenchResult> {
  const clock = new StepClock(engine);
  const step = await bench.prepare(clock.engine, mode);
  for (let i = 0; i < WARM_UP_STEPS; i++) await step();
  clock.restart();
  const before = engine.transfers;
  const times: number[] = [];
  for (let i = 0; i < numSteps; i++) {
    const started = performance.now();
    await step();
    times.push(performance.now() - started);
  }
  const msPerStep = median(times);
  const total = times.reduce((sum, ms) => sum + ms, 0);
  const { programs } = clock;
  const flops = Math.max(0, ...programs.map((program) => program.flops ?? 0));
  const { deviceUse } = engine;
  return {
    case: name,
    mode,
    engine: engine.kind,
    description: engine.description,
    msPerStep: round(msPerStep),
    gflops: flops === 0 ? null : round(flops / msPerStep / 1e6),
    partsMs: rounded(clock.parts(total), numSteps),
    transfers: engine.memory === "host" ? null : perStep(before, engine.transfers, numSteps),
    deviceMb:
      deviceUse === undefined
        ? null
        : {
            tensors: megabytes(deviceUse.tensors),
            peak: deviceUse.peak === undefined ? null : megabytes(deviceUse.peak),
          },
    peakRssMb: round(process.resourceUsage().maxRSS / 1024),
    compileMs: round(programs.reduce((sum, program) => sum + program.compileMs, 0)),
  };
}

function perStep(before: Transfers, after: Transfers, numSteps: number): Omit<Transfers, "uploadMs"> {
  const each = (count: keyof Transfers): number => round((after[count] - before[count]) / numSteps);
  return {
    uploads: each("uploads"),
    uploadedBytes: each("uploadedBytes"),
    downloads: each("downloads"),
    downloadedBytes: each("downloadedBytes"),
  };
}

function rounded(parts: Readonly<Record<string, number>>, numSteps: number): Record<string, number> {
  return Object.fromEntries(Object.entries(parts).map(([part, ms]) => [part, round(ms / numSteps)]));
}

function megabytes(bytes: number): number {
  return round(bytes / 1e6);
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
