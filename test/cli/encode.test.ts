import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createDataset } from "../../src/data/dataset.ts";
import { verifyDataset } from "../../src/data/verify.ts";
import { Vae } from "../../src/models/vae/vae.ts";
import { vaeSchema } from "../../src/models/vae/vaeConfig.ts";
import { declareParams } from "../../src/nn/params.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { saveVae } from "../../src/train/vaeFolder.ts";
import { noiseClip, scratchFolder } from "../data/scratch.ts";
import { ownProgramCache } from "./smallRuns.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const tsx = new URL("../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
const NUM_CLIPS = 60;

/** Its latents are larger than the clips, so that a small dataset has several shards of them. */
const config = vaeSchema.parse({
  kind: "causal-conv",
  latentChannels: 32,
  levels: [{ down: [1, 2], channels: 4, blocks: 1 }],
});

describe("kinema data encode", function () {
  this.timeout(240_000);
  ownProgramCache();
  const scratch = scratchFolder();
  let clips = "";
  let vae = "";
  before(async () => {
    clips = join(scratch(), "clips");
    vae = join(scratch(), "vae-run", "vae");
    await createDataset(clips, { made: { command: "test", options: {} } }, (out) => {
      for (let i = 0; i < NUM_CLIPS; i++) out.add(noiseClip(5, 32, 32, i));
    });
    const layout = new FlatLayout(declareParams((p) => new Vae(config, p)));
    const params = layout.allocate();
    layout.initialise(params, 1);
    const ones = Array<number>(config.latentChannels).fill(1);
    const statistics = { mean: ones, std: ones };
    await saveVae(vae, { config, weights: layout.views(params), statistics, heldOut: null });
  });

  function start(...args: readonly string[]): ChildProcess {
    const command = ["--import", tsx, main, "data", "encode", clips, "--vae", join(scratch(), "vae-run"), ...args];
    return spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
  }

  async function ended(child: ChildProcess) {
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.on("data", (piece: Buffer) => {
        texts[name] += piece.toString();
      });
    }
    const [code, signal] = await once(child, "close");
    return { code, signal, ...texts };
  }

  async function encode(out: string) {
    const { code, stdout, stderr } = await ended(start("--out", out, "--json"));
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  /** Starts and ends it by a signal once it has `numShards` whole shards. */
  async function stop(out: string, numShards: number, signal: NodeJS.Signals) {
    const journal = join(scratch(), `.${out.slice(scratch().length + 1)}.building`, "build.jsonl");
    const child = start("--out", out);
    const over = ended(child);
    const linesOf = () => (existsSync(journal) ? readFileSync(journal, "utf8").split("\n").length - 1 : 0);
    while (linesOf() <= numShards && child.exitCode === null) await sleep(5);
    child.kill(signal);
    return over;
  }

  const filesOf = (dir: string) => readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), "base64")]);

  it("killed and then interrupted, goes on from the last whole shard and ends in the same bytes", async () => {
    const [whole, cut] = [join(scratch(), "whole"), join(scratch(), "cut")];
    const expected = await encode(whole);
    assert.deepEqual([expected.clips, expected.encoded, expected.reused], [NUM_CLIPS, NUM_CLIPS, 0]);
    assert.ok(readdirSync(whole).length > 6);
    assert.equal((await stop(cut, 1, "SIGKILL")).signal, "SIGKILL");
    assert.equal(existsSync(cut), false);
    const { code, stderr } = await stop(cut, 3, "SIGINT");
    assert.equal(code, 130, stderr);
    const said = /stopped by SIGINT with (\d+) clips kept; the same command goes on from there\n$/.exec(stderr);
    const kept = Number(said?.[1]);
    const resumed = await encode(cut);
    assert.deepEqual([resumed.reused, resumed.encoded], [kept, NUM_CLIPS - kept], stderr);
    assert.equal(resumed.fingerprint, expected.fingerprint);
    assert.deepEqual(filesOf(cut), filesOf(whole));
    assert.deepEqual((await verifyDataset(cut)).damaged, []);
    assert.deepEqual(await encode(cut), { ...resumed, encoded: 0, reused: 0 });
  });
});
