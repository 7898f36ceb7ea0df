import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { listCheckpoints } from "../../src/train/checkpoint.ts";
import { readRunLog } from "../../src/train/runLog.ts";
import { kinema, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** Named by its place: the processes run in other folders. */
const tsx = new URL("../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
const PARTS = ["model", "ema", "optimizer"] as const;

/** A real process of the command line. */
function start(cwd: string, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--import", tsx, main, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
}

/** What a process said, once it is over. */
async function ended(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (piece: Buffer) => {
      text += piece.toString();
    });
  }
  const [code] = await once(child, "close");
  return { code, text };
}

/** Waits until something holds, or the process is over. */
async function until(holds: () => boolean, child: ChildProcess): Promise<void> {
  while (!holds() && child.exitCode === null) await sleep(20);
}

/** Every file below a folder with its size and time of change, to see whether anything was touched. */
function stateOf(folder: string, ...names: readonly string[]): string[] {
  return names.flatMap((name) =>
    readdirSync(join(folder, name), { recursive: true, encoding: "utf8" })
      .sort()
      .map((path) => `${name}/${path} ${statSync(join(folder, name, path)).mtimeMs}`),
  );
}

describe("kinema train", function () {
  this.timeout(240_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  before(() => {
    recipes = new SmallRecipes();
  });
  after(() => recipes.remove());

  it("makes the data, trains the missing VAE and then the recipe, and finds itself done", async () => {
    const { code, text } = await ended(start(recipes.folder, "train", "dit.yaml"));
    assert.equal(code, 0, text);
    assert.match(text, /making .*train small-vae: .*reconstruction \d+\.\d+ dB PSNR.*encode latents.*train small: /s);
    assert.deepEqual(readdirSync(recipes.ditRun).sort(), [
      "checkpoints",
      "config.yaml",
      "data.json",
      "log.jsonl",
      "run.json",
      "samples",
      "tb",
      "vae",
    ]);
    assert.deepEqual(readdirSync(join(recipes.ditRun, "samples")), ["step-6.png"]);
    assert.deepEqual(
      readRunLog(join(recipes.ditRun, "log.jsonl")).map(({ step }) => step),
      [4, 6],
    );

    for (const [recipe, run] of [
      ["vae.yaml", recipes.vaeRun],
      ["dit.yaml", recipes.ditRun],
    ] as const) {
      const before = stateOf(run, "checkpoints", "samples", ...(recipe === "vae.yaml" ? ["vae"] : []));
      const log = readFileSync(join(run, "log.jsonl"), "utf8");
      const again = await kinema("train", recipes.at(recipe), "--run-dir", run);
      assert.equal(again.code, 0, again.stderr);
      assert.deepEqual(stateOf(run, "checkpoints", "samples", ...(recipe === "vae.yaml" ? ["vae"] : [])), before);
      assert.equal(readFileSync(join(run, "log.jsonl"), "utf8"), log);
    }
  });

  for (const [recipe, stage] of [
    ["vae.yaml", "VAE"],
    ["dit.yaml", "transformer"],
  ] as const) {
    it(`saves its ${stage} on SIGTERM, exits with 143, and the plain command goes on to the same end`, async () => {
      const [cut, whole] = [recipes.at(`cut-${stage}`), recipes.at(`whole-${stage}`)];
      const longer = ["train", recipes.at(recipe), "train.steps=100", "train.logEvery=7", "train.checkpointEvery=1000"];
      const child = start(recipes.folder, ...longer, "--run-dir", cut);
      const over = ended(child);
      await until(() => readRunLog(join(cut, "log.jsonl")).length > 0, child);
      child.kill("SIGTERM");
      const { code, text } = await over;
      assert.equal(code, 143, text);
      const [saved] = await listCheckpoints(cut);
      const step = saved?.step ?? 0;
      assert.ok(step >= 7 && step < 100, `stopped at step ${step}`);
      assert.equal(existsSync(join(cut, "lock")), false);

      for (const run of [cut, whole]) {
        const { code, stderr } = await kinema(...longer, "--run-dir", run);
        assert.equal(code, 0, stderr);
      }
      for (const part of PARTS) {
        const [one, other] = [cut, whole].map((run) =>
          readFileSync(join(run, "checkpoints", "step-00000100", `${part}.safetensors`)),
        );
        assert.ok(one?.equals(other as Buffer), part);
      }
      const [losses, expected] = [cut, whole].map((run) =>
        readRunLog(join(run, "log.jsonl")).map(({ step, loss, lr, gradNorm }) => ({ step, loss, lr, gradNorm })),
      );
      assert.deepEqual(losses, expected);
      assert.equal(losses?.length, 15);
    });
  }

  it("refuses a second process in the run folder, while the first goes on", async () => {
    const run = recipes.at("shared");
    const longer = ["train", recipes.at("dit.yaml"), "train.steps=2000", "--run-dir", run];
    const child = start(recipes.folder, ...longer);
    const over = ended(child);
    try {
      await until(() => existsSync(join(run, "log.jsonl")), child);
      const { code, stderr } = await kinema(...longer);
      assert.equal(code, 2);
      const busy = `expected a run folder that nobody uses, got one that process ${child.pid} `;
      assert.match(stderr, RegExp(`^${run}: ${busy}.*\n$`, "m"));
    } finally {
      child.kill("SIGINT");
    }
    assert.equal((await over).code, 130);
  });

  it("refuses a changed recipe with the difference, and goes on with it where that is allowed", async () => {
    const [run, vae] = [recipes.at("changed"), recipes.at("vae.yaml")];
    const shorter = [vae, "train.checkpointEvery=2", "--run-dir", run];
    assert.equal((await kinema("train", ...shorter, "train.steps=2")).code, 0);
    const changed = [...shorter, "train.steps=4", "optim.lr=0.001"];
    const refused = await kinema("train", ...changed, "--allow-change", "optim.lr");
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /got another: config\.train\.steps 2 -> 4; try another --run-dir, or --allow-change train\.steps to go on/,
    );
    const allowed = ["--allow-change", "optim.lr", "--allow-change", "train.steps", "--allow-change", "code"];
    const accepted = await kinema("train", ...changed, ...allowed);
    assert.equal(accepted.code, 0, accepted.stderr);
    const changes = readRunLog(join(run, "log.jsonl")).flatMap(({ step, change }) =>
      change === undefined ? [] : [[step, String(change).slice(0, 18)]],
    );
    assert.deepEqual(changes, [
      [2, "config.optim.lr 0."],
      [2, "config.train.steps"],
      [2, "code: program opti"],
    ]);
    const { starts } = JSON.parse(readFileSync(join(run, "run.json"), "utf8"));
    assert.equal(starts.at(-1).changes.length, 3);
  });

  it("trains the VAE on the engine that the command line names, and tells of captions that are too long", async () => {
    const other = new SmallRecipes();
    try {
      const small = ["train.steps=1", "engine.kind=cpu"];
      const { code, text } = await ended(start(other.folder, "train", "dit.yaml", "dit.text.maxTokens=12", ...small));
      assert.equal(code, 0, text);
      assert.match(text, /^dit\.text\.maxTokens 12: the ends of 24 of 24 captions are not read$/m);
      assert.match(text, /train small-vae: .* on cpu in /);
      assert.match(text, /train small: .* on cpu in /);
    } finally {
      other.remove();
    }
  });
});
