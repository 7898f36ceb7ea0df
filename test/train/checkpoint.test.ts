import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import { namesIn, removeLeftovers } from "../../src/base/files.ts";
import type { NamedTensors } from "../../src/base/safetensorsFile.ts";
import { floats, ints } from "../../src/base/tensors.ts";
import {
  type CheckpointPart,
  listCheckpoints,
  loadCheckpoint,
  type Retention,
  saveCheckpoint,
} from "../../src/train/checkpoint.ts";
import { dieEverywhere, FaultyDisk } from "../base/faultyDisk.ts";
import { contentOf } from "./checkpointContent.ts";

const all: readonly CheckpointPart[] = ["model", "ema", "optimizer"];

describe("checkpoints", () => {
  let run: string;
  beforeEach(async () => {
    run = await fs.mkdtemp(join(tmpdir(), "kinema-checkpoint-"));
  });
  afterEach(() => fs.rm(run, { recursive: true, force: true }));

  const at = (step: number, ...inner: string[]) =>
    join(run, "checkpoints", `step-${String(step).padStart(8, "0")}`, ...inner);
  const steps = async () => (await listCheckpoints(run)).map(({ step }) => step);
  async function save(...which: number[]) {
    for (const step of which) await saveCheckpoint(run, contentOf(step));
  }
  /** Saves steps 1 and 2; the function it gives brings them back as they are now. */
  async function keepTwo(): Promise<() => Promise<void>> {
    await save(1, 2);
    await fs.cp(join(run, "checkpoints"), join(run, "kept"), { recursive: true });
    return async () => {
      await fs.rm(join(run, "checkpoints"), { recursive: true, force: true });
      await fs.cp(join(run, "kept"), join(run, "checkpoints"), { recursive: true });
    };
  }

  it("come back as they were saved", async () => {
    const state = { cursor: { epoch: 2, at: [1, 2 ** 53 - 1] }, loss: 0.1, note: "größer" };
    const tensors = {
      model: { "a.w": floats([2], Float32Array.of(1e-45, -0)), empty: floats([0]) },
      optimizer: { "moment1/a.w": floats([2], Float32Array.of(Number.NaN, 3)), t: ints([], Int32Array.of(-7)) },
    };
    const place = await saveCheckpoint(run, { step: 120, tensors, state, config: "a: 1 # ü\n" });
    assert.deepEqual(place, { step: 120, folder: at(120) });
    const loaded = await loadCheckpoint(run, { which: ["model", "optimizer"] });
    assert.deepEqual(loaded, { ...place, tensors, state, config: "a: 1 # ü\n", damaged: [] });
    assert.deepEqual(await namesIn(at(120)), [
      "config.yaml",
      "manifest.json",
      "model.safetensors",
      "optimizer.safetensors",
      "state.json",
    ]);
    assert.equal(await fs.readFile(join(run, "checkpoints", "latest"), "utf8"), "step-00000120\n");
  });

  it("are loaded in part, by run or by their own folder", async () => {
    await save(1, 2);
    assert.deepEqual(Object.keys((await loadCheckpoint(run, { which: ["ema"] })).tensors), ["ema"]);
    assert.equal((await loadCheckpoint(at(1), { which: all })).step, 1);
    await fs.cp(at(1), join(run, "elsewhere"), { recursive: true });
    assert.equal((await loadCheckpoint(join(run, "elsewhere"), { which: ["ema"] })).step, 1);
  });

  it("are the same bytes whatever the order in which tensors and keys were given", async () => {
    const { tensors, ...rest } = contentOf(1);
    const turned = (named: NamedTensors = {}) => Object.fromEntries(Object.entries(named).reverse());
    const folders: string[] = [];
    for (const model of [tensors.model, turned(tensors.model)]) {
      const { folder } = await saveCheckpoint(join(run, String(folders.length)), {
        ...rest,
        tensors: { model: model ?? {} },
      });
      folders.push(folder);
    }
    const [a = "", b = ""] = folders;
    assert.deepEqual(await fs.readFile(join(a, "manifest.json")), await fs.readFile(join(b, "manifest.json")));
  });

  it("say so when there is none, or a part is missing", async () => {
    await assert.rejects(loadCheckpoint(run, { which: all }), /expected a run with a checkpoint, got none/);
    await assert.rejects(loadCheckpoint(join(run, "none"), { which: all }), UserError);
    await saveCheckpoint(run, { step: 0, tensors: { model: {} }, state: {}, config: "" });
    await assert.rejects(
      loadCheckpoint(run, { which: ["ema"] }),
      /expected ema\.safetensors, got only model\.safetensors/,
    );
  });

  it("keep the last ones and each n-th", async () => {
    const retention: Retention = { last: 3, every: 40 };
    for (let step = 10; step <= 120; step += 10) await saveCheckpoint(run, contentOf(step), retention);
    assert.deepEqual(await steps(), [40, 80, 100, 110, 120]);
    await saveCheckpoint(run, contentOf(130));
    assert.deepEqual(await steps(), [120, 130]);
    await assert.rejects(saveCheckpoint(run, contentOf(140), { last: 1 }), /at least two/);
  });

  it("keep the best by a metric, and do not count what is no number", async () => {
    const losses = [5, 1, 4, 1, Number.NaN, 3, 2];
    const best = { count: 2, by: "loss" };
    for (const [step, loss] of losses.entries()) {
      await saveCheckpoint(run, { ...contentOf(step), metrics: { loss, other: -step } }, { last: 2, best });
    }
    assert.deepEqual(await steps(), [1, 3, 5, 6]);
    await saveCheckpoint(run, { ...contentOf(7), metrics: { loss: 0.5 } }, { last: 2, best });
    assert.deepEqual(await steps(), [1, 6, 7]);
  });

  it("do not count damaged ones as kept, and leave them to be looked at", async () => {
    await save(1, 2);
    await fs.truncate(at(2, "ema.safetensors"), 100);
    await save(3);
    assert.deepEqual(await steps(), [1, 2, 3]);
    await save(4);
    assert.deepEqual(await steps(), [2, 3, 4]);
  });

  it("of a later step than `latest` belong to an abandoned future: not used, not removed, replaced when reached", async () => {
    await save(1, 2, 3, 4);
    await fs.writeFile(join(run, "checkpoints", "latest"), "step-00000003\n");
    assert.equal((await loadCheckpoint(run, { which: all })).step, 3);
    await fs.truncate(at(4, "state.json"), 0);
    await saveCheckpoint(run, contentOf(4));
    const { step, damaged } = await loadCheckpoint(run, { which: all });
    assert.deepEqual([step, damaged], [4, []]);
  });

  it("load without `latest`, or with a wrong one", async () => {
    await save(1, 2);
    for (const text of ["", "step-00000009\n", "../../etc\n", "\0"]) {
      await fs.writeFile(join(run, "checkpoints", "latest"), text);
      assert.equal((await loadCheckpoint(run, { which: all })).step, 2, JSON.stringify(text));
    }
    await fs.rm(join(run, "checkpoints", "latest"));
    assert.equal((await loadCheckpoint(run, { which: all })).step, 2);
  });

  it("damaged anywhere: named, and the previous one is used", async () => {
    await save(1, 2);
    for (const name of await namesIn(at(2))) {
      const good = await fs.readFile(at(2, name));
      for (let byte = 0; byte < good.length; byte += 7) {
        const bytes = Uint8Array.from(good);
        bytes[byte] = (bytes[byte] as number) ^ (1 << (byte % 8));
        await fs.writeFile(at(2, name), bytes);
        const { step, damaged, tensors } = await loadCheckpoint(run, { which: all });
        const harmless = name === "manifest.json" && step === 2;
        if (!harmless) {
          assert.deepEqual([step, damaged.length], [1, 1], `${name} byte ${byte}`);
          assert.ok(damaged[0]?.reason.startsWith(at(2)), damaged[0]?.reason);
        }
        assert.deepEqual(tensors, contentOf(step).tensors);
      }
      for (const length of [0, 1, good.length - 1]) {
        await fs.writeFile(at(2, name), good.subarray(0, length));
        const { step, damaged } = await loadCheckpoint(run, { which: all });
        const harmless = name === "manifest.json" && length === good.length - 1;
        assert.ok(harmless || (step === 1 && damaged[0]?.reason.includes(name)), `${name} cut to ${length}`);
      }
      await fs.rm(at(2, name));
      assert.equal((await loadCheckpoint(run, { which: all })).step, 1);
      await fs.writeFile(at(2, name), good);
    }
    assert.equal((await loadCheckpoint(run, { which: all })).step, 2);
  });

  it("all damaged: refused, every bad file named, rather than started anew", async () => {
    await save(1, 2);
    await fs.truncate(at(1, "model.safetensors"), 50);
    await fs.rm(at(2, "optimizer.safetensors"));
    await assert.rejects(loadCheckpoint(run, { which: all }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /expected a sound checkpoint.*00002\/optimizer\.safetensors.*00001\/model\.safetensors/,
      );
      return true;
    });
  });

  it("the newest good one loads wherever the saving process or the machine dies", async function () {
    this.timeout(120_000);
    const goBack = await keepTwo();
    const deaths = await dieEverywhere(
      goBack,
      () => saveCheckpoint(run, contentOf(3)),
      async (where, finished) => {
        await removeLeftovers(join(run, "checkpoints"));
        const { step, tensors, state } = await loadCheckpoint(run, { which: all });
        assert.ok(finished ? step === 3 : step === 2 || step === 3, `${where}: ${step}`);
        assert.deepEqual({ tensors, state }, { tensors: contentOf(step).tensors, state: contentOf(step).state }, where);
        assert.ok((await steps()).length >= 2, where);
      },
    );
    assert.ok(deaths > 3 * 30, `only ${deaths} deaths`);
  });

  it("a full or failing disk: one clear line, and the last good one stays", async () => {
    const whole = new FaultyDisk();
    const goBack = await keepTwo();
    await whole.run(() => saveCheckpoint(run, contentOf(3)));
    for (const code of ["ENOSPC", "EIO"] as const) {
      for (let failAt = 0; failAt < whole.calls.length; failAt += 1) {
        await goBack();
        const disk = new FaultyDisk(failAt, { code, kinds: ["open", "write", "sync", "rename", "mkdir"] });
        const error = await disk
          .run(() => saveCheckpoint(run, contentOf(3)))
          .then(
            () => undefined,
            (caught: unknown) => caught,
          );
        const call = `${code} at ${disk.calls[failAt]}`;
        const harmless = disk.calls[failAt]?.startsWith("rm ");
        assert.ok(harmless || error instanceof UserError, `${call}: ${error}`);
        const { step, tensors } = await loadCheckpoint(run, { which: all });
        assert.deepEqual(tensors, contentOf(step).tensors, call);
      }
    }
  });

  it("a disk that returns other bytes than were written is found out before an older one goes", async () => {
    await save(1, 2);
    const lie = fs.rename;
    fs.rename = async (from, to) => {
      await lie(from, to);
      if (basename(String(to)) === "step-00000003") {
        const path = join(String(to), "optimizer.safetensors");
        const bytes = await fs.readFile(path);
        bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
        await fs.writeFile(path, bytes);
      }
    };
    try {
      await assert.rejects(
        saveCheckpoint(run, contentOf(3)),
        /step-00000003\/optimizer\.safetensors: expected SHA-256/,
      );
    } finally {
      fs.rename = lie;
    }
    assert.deepEqual(await steps(), [1, 2, 3]);
    assert.equal((await loadCheckpoint(run, { which: all })).step, 2);
  });

  it("a process killed while it saves over and over leaves a good one", async function () {
    this.timeout(120_000);
    const script = fileURLToPath(new URL("./saveForever.ts", import.meta.url));
    let last = 0;
    for (const afterMs of [3, 17, 31, 58]) {
      const child = spawn(process.execPath, ["--import", "tsx", script, run, String(last)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await once(child, "close");
      await removeLeftovers(join(run, "checkpoints"));
      const { step, tensors, damaged } = await loadCheckpoint(run, { which: all });
      assert.ok(step > last, `${step} after ${last}`);
      assert.deepEqual(tensors, contentOf(step).tensors);
      assert.deepEqual(damaged, []);
      last = step;
    }
  });
});
