import type { CommandModule } from "yargs";
import { createEngine } from "../../engine/createEngine.ts";
import type { Engine } from "../../engine/engine.ts";
import { engineKinds, engineSchema } from "../../engine/engineConfig.ts";
import { type BenchCase, measure } from "../bench/case.ts";
import { ditS } from "../bench/ditS.ts";
import { benchPacking } from "../bench/packing.ts";
import { vaeS } from "../bench/vaeS.ts";
import { jsonOption, say, sayJson, UsageError } from "../command.ts";
import { withProgress } from "../stages/withProgress.ts";

const cases: Readonly<Record<string, BenchCase>> = { "dit-s": ditS, "vae-s": vaeS };
const PACKING = "packing";
const executors = engineSchema.shape.executor.unwrap().options;
const kernelChoices = engineSchema.shape.kernels.unwrap().options;
const DEFAULT_STEPS = 20;
/** The packing case times some sixty programs. */
const DEFAULT_PACKING_STEPS = 5;

interface BenchOptions {
  case: string;
  engine: (typeof engineKinds)[number];
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
        choices: [...Object.keys(cases), PACKING],
        default: "dit-s",
        describe: "the workload; packing compares plans with buckets, masked rows and padding",
      })
      .option("engine", { choices: engineKinds, default: "onnx", describe: "what computes" } as const)
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
      .check(
        ({ threads, steps }) => isCount("--threads", threads) && (steps === undefined || isCount("--steps", steps)),
      )
      .example("$0 engine bench --case dit-s --json", "the last line is the result")
      .example("$0 engine bench --case packing", "what plans gain, in a few minutes"),
  handler: async ({ case: name, engine: kind, executor, kernels, threads, spin, steps, cache, json }) => {
    const engine = await createEngine(engineSchema.parse({ kind, executor, kernels, threads, spin, cache }));
    try {
      if (name === PACKING) await packing(engine, steps ?? DEFAULT_PACKING_STEPS, json);
      else await oneCase(name, engine, steps ?? DEFAULT_STEPS, json);
    } finally {
      await engine.dispose();
    }
  },
};

async function oneCase(name: string, engine: Engine, steps: number, json: boolean): Promise<void> {
  const bench = cases[name] as BenchCase;
  if (!json) say(`${name}: ${bench.describe}`);
  const result = await measure(name, bench, engine, steps);
  if (json) {
    sayJson(result);
    return;
  }
  const speed = result.gflops === null ? "" : `, ${result.gflops} GFLOP/s`;
  say(
    `${engine.kind}: ${result.msPerStep} ms/step${speed}, peak ${result.peakRssMb} MB, compiled in ${result.compileMs} ms`,
  );
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
