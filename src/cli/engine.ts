import type { CommandModule } from "yargs";
import { createEngine, engineKinds, engineSchema, listEngines } from "../engine/createEngine.ts";
import { type BenchCase, measure } from "./bench/case.ts";
import { ditS } from "./bench/ditS.ts";
import { vaeS } from "./bench/vaeS.ts";
import { jsonOption, say, sayJson, UsageError } from "./command.ts";
import { installCommand } from "./engine/install.ts";

const cases: Readonly<Record<string, BenchCase>> = { "dit-s": ditS, "vae-s": vaeS };
const executors = engineSchema.shape.executor.unwrap().options;
const kernelChoices = engineSchema.shape.kernels.unwrap().options;

/** `kinema engine list`: each engine, its version, and whether it runs here. */
const listCommand: CommandModule<object, { verify: boolean; json: boolean }> = {
  command: "list",
  describe: "List the engines, their versions, and why one cannot run here",
  builder: (cli) =>
    cli
      .option("verify", {
        type: "boolean",
        default: false,
        describe: "compare the hash of every file that was installed",
      })
      .option("json", jsonOption),
  handler: async ({ verify, json }) => {
    const listings = await listEngines({ verify });
    if (json) {
      sayJson(listings);
      return;
    }
    for (const { kind, through, version, folder, reason } of listings) {
      const place = `${through} ${version}${folder === undefined ? "" : `, ${folder}`}`;
      say(`${kind.padEnd(11)} ${reason === undefined ? "yes" : "no "}  ${reason ?? place}`);
    }
  },
};

interface BenchOptions {
  case: string;
  engine: (typeof engineKinds)[number];
  executor: (typeof executors)[number];
  kernels: (typeof kernelChoices)[number];
  threads: number;
  spin: boolean;
  steps: number;
  cache: boolean;
  json: boolean;
}

/** `kinema engine bench`: milliseconds a step of one workload. */
const benchCommand: CommandModule<object, BenchOptions> = {
  command: "bench",
  describe: "Measure an engine on a workload of fixed size",
  builder: (cli) =>
    cli
      .option("case", { choices: Object.keys(cases), default: "dit-s", describe: "the workload" })
      .option("engine", { choices: engineKinds, default: "onnx", describe: "what computes" } as const)
      .option("executor", { choices: executors, default: "auto", describe: "how onnx calls ONNX Runtime" } as const)
      .option("kernels", {
        choices: kernelChoices,
        default: "auto",
        describe: "what onnx computes products with",
      } as const)
      .option("threads", { type: "number", default: 2, describe: "threads of the onnx engine" })
      .option("spin", { type: "boolean", default: true, describe: "let idle threads wait busily" })
      .option("steps", { type: "number", default: 20, describe: "measured steps, after 3 to warm up" })
      .option("cache", { type: "boolean", default: true, describe: "use the program cache" })
      .option("json", jsonOption)
      .check(({ threads, steps }) => isCount("--threads", threads) && isCount("--steps", steps))
      .example("$0 engine bench --case dit-s --json", "the last line is the result"),
  handler: async ({ case: name, engine: kind, executor, kernels, threads, spin, steps, cache, json }) => {
    const bench = cases[name] as BenchCase;
    const engine = await createEngine(engineSchema.parse({ kind, executor, kernels, threads, spin, cache }));
    try {
      if (!json) say(`${name}: ${bench.describe}`);
      const result = await measure(name, bench, engine, steps);
      if (json) {
        sayJson(result);
        return;
      }
      const speed = result.gflops === null ? "" : `, ${result.gflops} GFLOP/s`;
      say(
        `${kind}: ${result.msPerStep} ms/step${speed}, peak ${result.peakRssMb} MB, compiled in ${result.compileMs} ms`,
      );
    } finally {
      await engine.dispose();
    }
  },
};

function isCount(option: string, value: number): true {
  if (Number.isInteger(value) && value >= 1) return true;
  throw new UsageError(option, { expected: "a whole number from 1", got: String(value) });
}

/** `kinema engine WHAT`. */
export const engineCommand: CommandModule = {
  command: "engine",
  describe: "List the engines, measure or install one",
  builder: (cli) =>
    cli
      .command(listCommand)
      .command(benchCommand)
      .command(installCommand)
      .demandCommand(1, "say what to do with engines; see --help"),
  handler: () => {},
};
