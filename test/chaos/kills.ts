/** A real training run that is killed at seeded moments and resumed by the plain command, against one that never was. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { KeyedRandom } from "../../src/base/random.ts";
import { readRunLog } from "../../src/train/runLog.ts";
import { SmallRecipes } from "../cli/smallRuns.ts";

const PARTS = ["model", "ema", "optimizer"] as const;
const CHECKPOINT_EVERY = 4;
/** Pictures at steps of checkpoints, and between them. */
const SAMPLE_EVERY = 6;
/** Steps of the run for each kill: more than a start gets done before it is killed, on average. */
const STEPS_PER_KILL = 8;
/** Calls that change the disk, and from how many the moment is drawn: those of one save and the first of the next. */
const MOST_CALLS = { write: 150, sync: 20, rename: 4, open: 8, mkdir: 2, rm: 3 } as const;
const CALLS = Object.keys(MOST_CALLS) as (keyof typeof MOST_CALLS)[];
const MOST_LINES = 10;
const MOST_DELAY_MS = 15;

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const disk = new URL("./pausingDisk.ts", import.meta.url).href;
/** Named by its place: the processes run in another folder. */
const tsx = new URL("../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;

export interface KillPlan {
  readonly kills: number;
  readonly seed: number;
  /** Told of each kill. */
  readonly onKill?: (done: number, where: string) => void;
}

export interface KillReport {
  readonly kills: number;
  /** Kills between the first and the last call of a save that change the disk. */
  readonly insideSaves: number;
  /** Different kinds of call that a kill came before or, for writes, in the middle of. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly resumes: number;
  readonly steps: number;
  /** Sample pictures, at steps of checkpoints and between. */
  readonly pictures: number;
}

/**
 * Kills a run so often, finishes it, and compares it with one that was never interrupted: weights, averages, optimizer,
 * every logged loss and every sample picture, to the byte. @throws AssertionError when they differ.
 */
export async function killAndCompare({ kills, seed, onKill }: KillPlan): Promise<KillReport> {
  const recipes = new SmallRecipes();
  try {
    const steps = STEPS_PER_KILL * (kills + 2);
    const training = new Training(recipes, steps);
    await training.finish(recipes.at("whole"));
    const kinds: Record<string, number> = {};
    let insideSaves = 0;
    for (let kill = 0; kill < kills; kill++) {
      const random = new KeyedRandom(seed, "chaos", kill);
      // Two of three inside a save.
      const inSave = kill % 3 !== 2;
      const call = random.pick(CALLS);
      const moment = inSave ? `${call} ${1 + random.int(MOST_CALLS[call])}` : `line ${1 + random.int(MOST_LINES)}`;
      const where = await training.killAt(recipes.at("killed"), moment, inSave ? 0 : random.uniform() * MOST_DELAY_MS);
      const kind = where.split(" ")[0] ?? "";
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      if (inSave) insideSaves++;
      onKill?.(kill + 1, where);
    }
    await training.finish(recipes.at("killed"));
    compare(recipes.at("killed"), recipes.at("whole"), steps);
    return { kills, insideSaves, kinds, resumes: kills, steps, pictures: numPictures(steps) };
  } finally {
    recipes.remove();
  }
}

class Training {
  private readonly recipes: SmallRecipes;
  private readonly command: readonly string[];

  constructor(recipes: SmallRecipes, steps: number) {
    this.recipes = recipes;
    const wishes = [
      `train.steps=${steps}`,
      `train.checkpointEvery=${CHECKPOINT_EVERY}`,
      `train.sampleEvery=${SAMPLE_EVERY}`,
      "train.logEvery=1",
    ];
    this.command = ["train", recipes.at("dit.yaml"), ...wishes];
  }

  /** Trains to the end. */
  async finish(run: string): Promise<void> {
    const child = this.start(run, "");
    let text = "";
    child.stderr?.on("data", (piece: Buffer) => {
      text += piece.toString();
    });
    const [code] = await once(child, "close");
    assert.equal(code, 0, text);
  }

  /** Trains until a moment, and kills so much later. @returns where it was killed. */
  async killAt(run: string, moment: string, delayMs: number): Promise<string> {
    const child = this.start(run, moment);
    const closed = once(child, "close");
    const reached = once(child, "message").then(([where]) => String(where));
    const where = await Promise.race([reached, closed.then(([code]) => `ended with ${code}`)]);
    assert.equal(child.exitCode, null, `${moment} was not reached: ${where}`);
    await sleep(delayMs);
    child.kill("SIGKILL");
    await closed;
    return where;
  }

  private start(run: string, moment: string) {
    return spawn(process.execPath, ["--import", tsx, "--import", disk, main, ...this.command, "--run-dir", run], {
      cwd: this.recipes.folder,
      env: { ...process.env, KINEMA_CHAOS: moment },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
  }
}

function compare(killed: string, whole: string, steps: number): void {
  const folder = `step-${String(steps).padStart(8, "0")}`;
  for (const part of PARTS) {
    const [one, other] = [killed, whole].map((run) =>
      readFileSync(join(run, "checkpoints", folder, `${part}.safetensors`)),
    );
    assert.ok(one?.equals(other as Buffer), `${part} differs`);
  }
  const [pictures, others] = [killed, whole].map((run) => picturesOf(join(run, "samples")));
  assert.equal(pictures?.size, numPictures(steps));
  assert.deepEqual(pictures, others);
  const [losses, expected] = [killed, whole].map((run) =>
    readRunLog(join(run, "log.jsonl")).map(({ step, loss, lr, gradNorm }) => ({ step, loss, lr, gradNorm })),
  );
  assert.deepEqual(losses, expected);
  assert.equal(losses?.length, steps);
}

/** Those at every so many steps, and at the end. */
function numPictures(steps: number): number {
  return Math.ceil(steps / SAMPLE_EVERY);
}

function picturesOf(folder: string): Map<string, Buffer> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}
