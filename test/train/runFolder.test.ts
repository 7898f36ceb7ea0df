import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import { namesIn } from "../../src/base/files.ts";
import { saveCheckpoint } from "../../src/train/checkpoint.ts";
import { openRun, type RunRecipe, readRunConfig } from "../../src/train/runFolder.ts";
import { differences } from "../../src/train/runIdentity.ts";
import { dieEverywhere } from "../base/faultyDisk.ts";

const config = { model: { width: 64, depth: 2 }, train: { steps: 100, seed: 1 }, parts: ["a", "b"] };
const recipe: RunRecipe = {
  configYaml: "model: { width: 64 }\n",
  identity: { config, dataset: "f00d" },
  mayChange: ["config.train.steps"],
  facts: { engine: "onnx", seed: 1 },
};

describe("openRun", () => {
  let root: string;
  let dir: string;
  beforeEach(async () => {
    root = await fs.mkdtemp(join(tmpdir(), "kinema-run-"));
    dir = join(root, "tiny", "one");
  });
  afterEach(() => fs.rm(root, { recursive: true, force: true }));

  const changed = (model: object, train: object = config.train): RunRecipe => ({
    ...recipe,
    identity: { config: { ...config, model: { ...config.model, ...model }, train: { ...train } }, dataset: "f00d" },
  });
  async function openAndClose(which: RunRecipe = recipe) {
    const run = await openRun(dir, which);
    run.close();
    return run;
  }
  const runJson = async () => JSON.parse(await fs.readFile(join(dir, "run.json"), "utf8"));

  it("makes the folder, and tells who started it with what", async () => {
    const run = await openAndClose();
    assert.deepEqual([run.resumed, run.notices], [false, []]);
    assert.deepEqual(await namesIn(dir), ["checkpoints", "config.yaml", "run.json", "samples", "tb"]);
    assert.equal(await readRunConfig(dir), recipe.configYaml);
    const { identity, starts } = await runJson();
    assert.deepEqual(identity, recipe.identity);
    const [{ at, kinema, node, engine, seed }] = starts;
    assert.deepEqual([node, engine, seed], [process.version, "onnx", 1]);
    assert.match(kinema, /^\d+\.\d+\.\d+/);
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
  });

  it("opens it again, with keys that may change, and adds the start", async () => {
    await openAndClose();
    const run = await openAndClose({ ...changed({}, { steps: 200, seed: 1 }), configYaml: "new\n" });
    assert.equal(run.resumed, true);
    assert.equal(await readRunConfig(dir), "new\n");
    const { identity, starts } = await runJson();
    assert.deepEqual([starts.length, identity.config.train.steps], [2, 200]);
  });

  it("refuses another recipe with the first keys that differ, and changes nothing", async () => {
    await openAndClose();
    const before = await fs.readFile(join(dir, "run.json"));
    await assert.rejects(
      openRun(dir, { ...changed({ width: 128, kind: "dit" }), configYaml: "other" }),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.match(
          error.message,
          /one: expected the recipe .* got another: config\.model\.width 64 -> 128, config\.model\.kind none -> "dit"; try/,
        );
        return true;
      },
    );
    assert.deepEqual([await fs.readFile(join(dir, "run.json")), await readRunConfig(dir)], [before, recipe.configYaml]);
    await openAndClose();
    const other = { ...recipe, identity: { config, dataset: "beef" } };
    await assert.rejects(openRun(dir, other), /dataset "f00d" -> "beef"/);
  });

  it("resumes with another recipe when told to, and keeps a note of it", async () => {
    await openAndClose();
    const other = { ...changed({ width: 128 }), identity: { ...changed({ width: 128 }).identity, dataset: "beef" } };
    await assert.rejects(
      openRun(dir, { ...other, allowChange: ["model.width"] }),
      /got another: dataset "f00d" -> "beef"; try another --run-dir, or --allow-change dataset to go on/,
    );
    const run = await openAndClose({ ...other, allowChange: ["model", "dataset"] });
    const changes = ["config.model.width 64 -> 128", 'dataset "f00d" -> "beef"'];
    assert.deepEqual(
      run.notices,
      changes.map((change) => `${dir}: accepted ${change}`),
    );
    assert.deepEqual([run.changes, (await runJson()).starts[1].changes], [changes, changes]);
    await openAndClose(other);
  });

  it("refuses an allowance that names nothing", async () => {
    await openAndClose();
    const unknown = { ...recipe, allowChange: ["model.widht"] };
    await assert.rejects(openRun(dir, unknown), /^UserError: --allow-change: expected a key .*got model\.widht$/);
    await openAndClose({ ...recipe, allowChange: ["model.width", "code"] });
  });

  it("accepts changed code when told to, and keeps a note of it", async () => {
    const run = await openRun(dir, recipe);
    await assert.rejects(
      run.accept("code", "program a 1 -> 2"),
      /got another: program a 1 -> 2; .*--allow-change code/,
    );
    run.close();
    const told = await openRun(dir, { ...recipe, allowChange: ["code"] });
    await told.accept("code", "program a 1 -> 2");
    told.close();
    const { starts } = await runJson();
    assert.deepEqual([starts[0].changes, starts[1].changes], [undefined, ["code: program a 1 -> 2"]]);
  });

  it("refuses a folder of something else", async () => {
    await fs.mkdir(dir, { recursive: true });
    await fs.writeFile(join(dir, "thesis.tex"), "");
    await assert.rejects(openRun(dir, recipe), /one: expected a run folder or a new one, got one with thesis\.tex/);
    assert.deepEqual(await namesIn(dir), ["thesis.tex"]);
  });

  it("opens wherever the start before it died", async () => {
    await dieEverywhere(
      () => fs.rm(dir, { recursive: true, force: true }),
      async () => (await openRun(dir, recipe)).close(),
      async (where) => {
        const run = await openAndClose();
        assert.equal(run.resumed, (await runJson()).starts.length === 2, where);
        assert.equal(await readRunConfig(dir), recipe.configYaml);
      },
    );
  });

  it("clears away what a killed save left", async () => {
    await openAndClose();
    const checkpoints = join(dir, "checkpoints");
    await saveCheckpoint(dir, { step: 1, tensors: {}, state: {}, config: "" });
    await fs.rename(join(checkpoints, "step-00000001"), join(checkpoints, ".step-00000001.old-1-1"));
    await fs.mkdir(join(checkpoints, ".step-00000001.tmp-1-2"));
    await openAndClose();
    assert.deepEqual(await namesIn(checkpoints), ["latest", "step-00000001"]);
  });

  describe("lock", () => {
    const holder = (changes: object) =>
      fs.writeFile(join(dir, "lock"), JSON.stringify({ host: hostname(), pid: process.pid, started: "", ...changes }));

    it("keeps a second process out until the first one closes or dies", async () => {
      const script = fileURLToPath(new URL("./holdRun.ts", import.meta.url));
      const child = spawn(process.execPath, ["--import", "tsx", script, dir], { stdio: ["pipe", "pipe", "inherit"] });
      await once(child.stdout, "data");
      await assert.rejects(openRun(dir, { ...recipe, identity: {} }), (error: unknown) => {
        assert.ok(
          error instanceof UserError && error.message.includes(`process ${child.pid} is training in`),
          String(error),
        );
        return true;
      });
      child.kill("SIGKILL");
      await once(child, "close");
      const run = await openRun(dir, { ...recipe, identity: {} });
      assert.deepEqual(run.notices, [`${dir}: took over the lock of process ${child.pid}, which has died`]);
      run.close();
      assert.equal((await namesIn(dir)).includes("lock"), false);
    });

    it("keeps the same process from opening twice; closing twice does no harm", async () => {
      const run = await openRun(dir, recipe);
      await assert.rejects(openRun(dir, recipe), /is training in/);
      run.close();
      const next = await openRun(dir, recipe);
      run.close();
      await assert.rejects(openRun(dir, recipe), /is training in/);
      next.close();
    });

    it("is let go when opening fails", async () => {
      await openAndClose();
      await assert.rejects(openRun(dir, changed({ width: 1 })), /another/);
      await openAndClose();
    });

    it("of a process whose number now belongs to another one is stale", async () => {
      await openAndClose();
      await holder({ started: "another boot:1" });
      if (process.platform === "linux") assert.equal((await openAndClose()).notices.length, 1);
      else await assert.rejects(openRun(dir, recipe), /is training in/);
    });

    it("that is empty or broken is stale", async () => {
      await openAndClose();
      for (const text of ["", "{", "[]", '{"pid":1}']) {
        await fs.writeFile(join(dir, "lock"), text);
        assert.equal((await openAndClose()).notices.length, 1, text);
      }
    });

    it("of another host counts until it has been silent for minutes", async () => {
      await openAndClose();
      await holder({ host: "elsewhere", pid: 1 });
      await assert.rejects(openRun(dir, recipe), /process 1 on elsewhere is training in.*delete .*lock/);
      const anHourAgo = new Date(Date.now() - 3_600_000);
      await fs.utimes(join(dir, "lock"), anHourAgo, anHourAgo);
      assert.equal((await openAndClose()).notices.length, 1);
    });

    it("is held by one of many that start at once over a stale one", async () => {
      await openAndClose();
      await holder({ pid: 0 });
      const runs = await Promise.allSettled(Array.from({ length: 20 }, () => openRun(dir, recipe)));
      assert.equal(runs.filter(({ status }) => status === "fulfilled").length, 1);
    });
  });
});

describe("differences", () => {
  it("lists keys in order, with lists, additions and removals", () => {
    const before = { a: 1, b: { c: [1, 2], d: null }, e: "x" };
    const now = { b: { c: [1, 3, 4], d: {} }, e: "x", f: false, a: 1 };
    assert.deepEqual(differences(before, now), [
      { key: "b.c.1", before: 2, now: 3 },
      { key: "b.c.2", before: undefined, now: 4 },
      { key: "b.d", before: null, now: {} },
      { key: "f", before: undefined, now: false },
    ]);
    assert.deepEqual(differences(before, now, ["b", "f"]), []);
    assert.deepEqual(
      differences(before, now, ["b.c.1", "b.c.2", "b.d", "f.g"]).map(({ key }) => key),
      ["f"],
    );
  });
});
