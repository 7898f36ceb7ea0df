/** The command line in this process, and small runs of both stages that it made, for the tests of this folder. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluateCommand } from "../../src/cli/evaluate.ts";
import { inspectCheckpointCommand } from "../../src/cli/inspect/checkpoint.ts";
import { inspectConfigCommand } from "../../src/cli/inspect/config.ts";
import { inspectDiffCommand } from "../../src/cli/inspect/diff.ts";
import { inspectGraphCommand } from "../../src/cli/inspect/graph.ts";
import { inspectPlanCommand } from "../../src/cli/inspect/plan.ts";
import { type Command, commandGroup, runProgram } from "../../src/cli/program.ts";
import { sampleCommand } from "../../src/cli/sample.ts";
import { planOfRecipe } from "../../src/cli/stages/planOfRecipe.ts";
import { trainCommand } from "../../src/cli/train.ts";
import { recipeSchema } from "../../src/registry.ts";

const commands: readonly Command[] = [
  { name: "train", describe: "Train", mount: async (cli) => cli.command(trainCommand) },
  { name: "sample", describe: "Sample", mount: async (cli) => cli.command(sampleCommand) },
  commandGroup("inspect", "Inspect", [
    { name: "config", describe: "Config", mount: async (cli) => cli.command(inspectConfigCommand(recipeSchema)) },
    { name: "plan", describe: "Plan", mount: async (cli) => cli.command(inspectPlanCommand(planOfRecipe)) },
    { name: "graph", describe: "Graph", mount: async (cli) => cli.command(inspectGraphCommand) },
    { name: "checkpoint", describe: "Checkpoint", mount: async (cli) => cli.command(inspectCheckpointCommand) },
    { name: "diff", describe: "Diff", mount: async (cli) => cli.command(inspectDiffCommand) },
  ]),
  { name: "evaluate", describe: "Evaluate", mount: async (cli) => cli.command(evaluateCommand) },
];

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `kinema ARGS` in this process. */
export async function kinema(...args: readonly string[]): Promise<Outcome> {
  const { exitCode } = process;
  const listeners = process.stdout.listeners("error");
  const out = captured(process.stdout);
  const err = captured(process.stderr);
  process.exitCode = 0;
  try {
    const code = await runProgram(args, commands);
    return { code: code || Number(process.exitCode), stdout: out.text(), stderr: err.text() };
  } finally {
    out.release();
    err.release();
    process.exitCode = exitCode;
    for (const listener of process.stdout.listeners("error")) {
      if (!listeners.includes(listener)) process.stdout.off("error", listener as () => void);
    }
  }
}

function captured(stream: NodeJS.WriteStream) {
  const { write } = stream;
  const pieces: string[] = [];
  stream.write = (piece: string | Uint8Array) => {
    pieces.push(String(piece));
    return true;
  };
  return {
    text: () => pieces.join(""),
    release: () => {
      stream.write = write;
    },
  };
}

/** Frames of the longest clips that `modes.yaml` learns. */
export const LONGEST = 13;

/**
 * Recipes in a folder of their own, for a world of 24 clips; `vae.yaml` belongs to all others. `modes.yaml` learns every
 * mode, from clips of 9 and 13 frames.
 */
export class SmallRecipes {
  readonly folder = mkdtempSync(join(tmpdir(), "kinema-cli-"));
  readonly vaeRun = join(this.folder, "experiments", "small-vae", "main");
  readonly ditRun = join(this.folder, "experiments", "small", "main");

  constructor() {
    const data = `data:
  kind: shapes
  dir: ${this.at("data")}
  heldOut: 0.2
  world:
    clips: 24
    buckets:
      - { frames: 1, height: 16, width: 16 }
      - { frames: 5, height: 8, width: 16 }
      - { frames: 5, height: 16, width: 16 }
engine: { threads: 1 }
`;
    const train = "train: { steps: 6, logEvery: 4, checkpointEvery: 3 }\n";
    const vae = `vae: { run: ${this.vaeRun}, recipe: vae.yaml }\n`;
    const dit = "width: 12, depth: 1, heads: 2";
    this.write(
      "vae.yaml",
      `kind: vae
name: small-vae
${data}${train}vae:
  kind: causal-conv
  latentChannels: 4
  levels: [{ down: [4, 4], channels: 8, blocks: 1 }]
batch: { pixels: 4000, pcaClips: 8 }
`,
    );
    const rest = "packing: { tokens: 24, maxPlans: 3 }\nsamples: { sampler: { steps: 2 } }\n";
    const text = "{ kind: bytes, width: 8, depth: 1, heads: 2, maxTokens: 48 }";
    this.write(
      "dit.yaml",
      `kind: dit\nname: small\n${data}${train}${vae}dit: { kind: dit, ${dit}, text: ${text} }\n${rest}`,
    );
    this.write(
      "no-text.yaml",
      `kind: dit\nname: silent\n${data}${train}${vae}dit: { kind: dit, ${dit}, text: { kind: none } }\n${rest}`,
    );
    this.write(
      "modes.yaml",
      `kind: dit
name: modes
data:
  kind: shapes
  dir: ${this.at("long-data")}
  heldOut: 0.2
  world:
    clips: 16
    buckets:
      - { frames: 9, height: 16, width: 16 }
      - { frames: ${LONGEST}, height: 16, width: 16 }
engine: { threads: 1 }
train: { steps: 3, logEvery: 3, checkpointEvery: 3 }
${vae}dit: { kind: dit, ${dit}, text: ${text} }
objective: { conditioning: { first: 0.2, last: 0.2, both: 0.2, keyframes: 0.2 } }
packing: { tokens: 32, maxPlans: 3, window: 4 }
samples: { sampler: { steps: 2 } }
`,
    );
  }

  at(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, text: string): string {
    writeFileSync(this.at(name), text);
    return this.at(name);
  }

  /** Trains a recipe to its end. */
  async train(recipe: string, runDir: string): Promise<void> {
    const { code, stderr } = await kinema("train", this.at(recipe), "--run-dir", runDir);
    assert.equal(code, 0, stderr);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Keeps the programs that tests compile out of the user's cache, and lets these tests share them. */
export function ownProgramCache(): void {
  let cache = "";
  const { KINEMA_CACHE } = process.env;
  before(() => {
    cache = mkdtempSync(join(tmpdir(), "kinema-cache-"));
    process.env.KINEMA_CACHE = cache;
  });
  after(() => {
    if (KINEMA_CACHE === undefined) delete process.env.KINEMA_CACHE;
    else process.env.KINEMA_CACHE = KINEMA_CACHE;
    rmSync(cache, { recursive: true, force: true });
  });
}
