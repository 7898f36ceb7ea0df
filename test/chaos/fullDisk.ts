/** Disks that are full or fail at each point of a save. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { removeLeftovers } from "../../src/base/files.ts";
import { floats } from "../../src/base/tensors.ts";
import { type CheckpointContent, loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import { FaultyDisk } from "../base/faultyDisk.ts";
import { kinema, SmallRecipes } from "../cli/smallRuns.ts";

const PAGE_BYTES = 4096;
const DISK_PAGES = 512;
const KINDS = ["open", "write", "sync", "rename", "mkdir"];

function contentOf(step: number): CheckpointContent {
  const weights = floats([5000], new Float32Array(5000).fill(step));
  return { step, tensors: { model: { weights }, ema: { weights }, optimizer: { weights } }, state: {}, config: "" };
}

/**
 * Saves onto a small real disk with one page of room, two, three, until a save fits; undefined where none can be
 * mounted. @returns how many saves met the full disk.
 */
export async function saveOntoFullDisk(): Promise<number | undefined> {
  const disk = await fs.mkdtemp(join(tmpdir(), "kinema-disk-"));
  try {
    const size = `size=${DISK_PAGES * PAGE_BYTES}`;
    execFileSync("mount", ["-t", "tmpfs", "-o", size, "kinema-chaos", disk], { stdio: "ignore" });
  } catch {
    await fs.rm(disk, { recursive: true });
    return undefined;
  }
  try {
    const run = join(disk, "run");
    for (const step of [1, 2]) await saveCheckpoint(run, contentOf(step));
    for (let room = 0; ; room++) {
      await leaveRoom(disk, room);
      const error = await saveCheckpoint(run, contentOf(3)).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      if (error === undefined) {
        assert.equal((await loadCheckpoint(run, { which: ["model"] })).step, 3);
        return room;
      }
      assert.ok(error instanceof UserError && error.message.endsWith("could not be written: the disk is full"));
      await fs.rm(join(disk, "ballast"));
      await removeLeftovers(join(run, "checkpoints"));
      const { step, tensors } = await loadCheckpoint(run, { which: ["model", "ema", "optimizer"] });
      assert.deepEqual([step, tensors], [2, contentOf(2).tensors], `${room} pages of room`);
    }
  } finally {
    execFileSync("umount", [disk]);
    await fs.rm(disk, { recursive: true });
  }
}

/** Fills a disk so that so many pages are left. */
async function leaveRoom(disk: string, pages: number): Promise<void> {
  const { bavail } = await fs.statfs(disk);
  await fs.writeFile(join(disk, "ballast"), new Uint8Array((bavail - pages) * PAGE_BYTES));
}

/**
 * Trains by the command line on a disk that refuses one call of a run's second save: exit code 2, one clear line, and
 * the checkpoint before it loads. @param every takes each so-manyth call of the save. @returns how many were tried.
 */
export async function failInTraining(every: number): Promise<number> {
  const recipes = new SmallRecipes();
  try {
    const run = recipes.at("run");
    const train = () => kinema("train", recipes.at("dit.yaml"), "--run-dir", run);
    await recipes.train("vae.yaml", recipes.vaeRun);
    const on = /^(open|write|sync|rename|mkdir) .*checkpoints\/.*step-00000006/;
    const whole = new FaultyDisk(Number.POSITIVE_INFINITY, { code: "EIO", kinds: KINDS, on });
    await whole.run(train);
    assert.ok(whole.calls.length > 20, `a save makes ${whole.calls.length} calls`);
    let tried = 0;
    for (let at = 0; at < whole.calls.length; at += every) {
      const code = tried % 2 === 0 ? "ENOSPC" : "EIO";
      await fs.rm(run, { recursive: true, force: true });
      const disk = new FaultyDisk(at, { code, kinds: KINDS, on });
      const outcome = await disk.run(train);
      const { code: exitCode, stderr } = outcome as Awaited<ReturnType<typeof kinema>>;
      const where = `${code} at ${disk.calls[at]}`;
      const lines = stderr.trimEnd().split("\n");
      const reason = code === "ENOSPC" ? "the disk is full" : "the disk reported an input/output error";
      assert.equal(exitCode, 2, `${where}: ${stderr}`);
      assert.ok(lines.at(-1)?.endsWith(`could not be written: ${reason}`), `${where}: ${stderr}`);
      assert.equal((await loadCheckpoint(run, { which: ["model", "ema", "optimizer"] })).step, 3, where);
      tried++;
    }
    return tried;
  } finally {
    recipes.remove();
  }
}
