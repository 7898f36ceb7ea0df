import type { CommandModule } from "yargs";
import { createEngine } from "../../engine/createEngine.ts";
import type { Engine } from "../../engine/engine.ts";
import { engineKinds, engineSchema } from "../../engine/engineConfig.ts";
import { providerNames } from "../../engine/onnx/provider.ts";
import { precisions } from "../../engine/precision.ts";
import { type BenchCase, type BenchMode, type BenchResult, measure } from "../bench/case.ts";
import { benchCases } from "../bench/cases.ts";
import { benchPacking } from "../bench/packing.ts";
import { jsonOption, say, sayJson, UsageError } from "../command.ts";
import { withProgress } from "../stages/withProgress.ts";

const PACKING = "packing";
const executors = engineSchema.shape.executor.unwrap().options;
const kernelChoices = engineSchema.shape.kernels.unwrap().options;
const DEFAULT_STEPS = 20;
/** The packing case times some sixty programs. */
const DEFAULT_PACKING_STEPS = 5;

interface BenchOptions {
  case: string;
  forward: boolean;
  engine: (typeof engineKinds)[number];
  provider: (typeof providerNames)[number];
  precision: (typeof precisions)[number];
  executor: (typeof executors)[number];
  kernels: (typeof kernelChoices)[number];
  threads: number;
  spin: boolean;
  steps: number | undefined;
  cache: boolean;
  json: boolean;
}

/** `kinema engine bench`: milliseconds a step of one workload, or tokens a second of several ways to batch. */
export const benchCommand: CommandModule<object, BenchOptions> = {
  command: "bench",
  describe: "Measure an engine on a workload of fixed size",
  builder: (cli) =>
    cli
      .option("case", {
        choices: [...Object.keys(benchCases), PACKING],
        default: "dit-s",
        describe: "the workload; packing compares plans with buckets, masked rows and padding",
      })
      .option("engine", { choices: engineKinds, default: "onnx", describe: "what computes" } as const)
      .option("forward", { type: "boolean", default: false, describe: "a forward pass alone, not a training step" })
      .option("provider", { choices: providerNames, default: "cpu", describe: "what onnx computes on" } as const)
      .option("precision", { choices: precisions, default: "f32", describe: "of products" } as const)
      .option("executor", { choices: executors, default: "auto", describe: "how onnx calls ONNX Runtime" } as const)
      .option("kernels", {
        choices: kernelChoices,
        default: "auto",
        describe: "what onnx computes products with",
      } as const)
      .option("threads", { type: "number", default: 2, describe: "threads of the onnx engine" })
      .option("spin", { type: "boolean", default: true, describe: "let idle threads wait busily" })
      .option("steps", {
        type: "number",
        describe: `measured steps; ${DEFAULT_STEPS}, or ${DEFAULT_PACKING_STEPS} of each program of packing`,
      })
      .option("cache", { type: "boolean", default: true, describe: "use the program cache" })
      .option("json", jsonOption)
      .check(({ case: name, threads, steps, forward }) => {
        if (forward && name === PACKING) throw new UsageError("--forward", "packing measures training steps only");
        return isCount("--threads", threads) && (steps === undefined || isCount("--steps", steps));
      })
      .example("$0 engine bench --case dit-s --json", "the last line is the result")
      .example("$0 engine bench --case dit-b --provider webgpu --precision f16", "a GPU")
      .example("$0 engine bench --case packing", "what plans gain, in a few minutes"),
  handler: async ({ case: name, engine: kind, steps, json, forward, ...options }) => {
    const { provider, precision, executor, kernels, threads, spin, cache } = options;
    const cfg = { kind, provider, precision, executor, kernels, threads, spin, cache };
    const engine = await createEngine(engineSchema.parse(cfg));
    try {
      if (name === PACKING) await packing(engine, steps ?? DEFAULT_PACKING_STEPS, json);
      else await oneCase(name, engine, { steps: steps ?? DEFAULT_STEPS, mode: forward ? "forward" : "train", json });
    } finally {
      await engine.dispose();
    }
  },
};

interface CaseOptions {
  readonly steps: number;
  readonly mode: BenchMode;
  readonly json: boolean;
}

async function oneCase(name: string, engine: Engine, { steps, mode, json }: CaseOptions): Promise<void> {
  const bench = benchCases[name] as BenchCase;
  if (!json) say(`${name}: ${bench.describe[mode]}`);
  const result = await measure(name, bench, engine, steps, mode);
  if (json) sayJson(result);
  else for (const line of linesOf(result)) say(line);
}

function linesOf(result: BenchResult): string[] {
  const { description, msPerStep, gflops, peakRssMb, compileMs, partsMs, transfers, deviceMb } = result;
  const speed = gflops === null ? "" : `, ${gflops} GFLOP/s`;
  const parts = Object.entries(partsMs).map(([part, ms]) => `${part} ${ms}`);
  const lines = [
    `${description}: ${msPerStep} ms/step${speed}, peak ${peakRssMb} MB, compiled in ${compileMs} ms`,
    `ms of a step: ${parts.join(", ")}`,
  ];
  if (transfers !== null) {
    const { uploads, uploadedBytes, downloads, downloadedBytes } = transfers;
    lines.push(
      `copies a step: ${uploads} to the device (${uploadedBytes} B), ${downloads} back (${downloadedBytes} B)`,
    );
  }
  if (deviceMb !== null) {
    const peak = deviceMb.peak === null ? "its allocator does not count the peak" : `peak ${deviceMb.peak} MB`;
    lines.push(`device memory: ${deviceMb.tensors} MB of tensors, ${peak}`);
  }
  return lines;
}

async function packing(engine: Engine, steps: number, json: boolean): Promise<void> {
  const bench = await benchPacking();
  if (!json) say(`${PACKING}: ${bench.describe}`);
  const result = await withProgress("bench packing", bench.numRuns(steps), (update) =>
    bench.run(engine, steps, update),
  );
  if (json) {
    sayJson(result);
    return;
  }
  say(
    `${"".padEnd(10)}${"tokens/s".padStart(10)}${"plans /".padStart(9)}${"fill".padStart(7)}${"ms/step".padStart(9)}  programs`,
  );
  for (const { way, describe, tokensPerSecond, speedup, fill, msPerStep, programs } of result.ways) {
    const numbers = [`${tokensPerSecond}`.padStart(10), speedup.toFixed(2).padStart(9), fill.toFixed(3).padStart(7)];
    say(`${way.padEnd(10)}${numbers.join("")}${`${msPerStep}`.padStart(9)}  ${`${programs}`.padStart(8)}  ${describe}`);
  }
}

function isCount(option: string, value: number): true {
  if (Number.isInteger(value) && value >= 1) return true;
  throw new UsageError(option, { expected: "a whole number from 1", got: String(value) });
}
