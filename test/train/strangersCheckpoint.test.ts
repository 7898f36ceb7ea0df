import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import { readContents } from "../../src/train/checkpointContents.ts";
import { verifyCheckpoint } from "../../src/train/checkpointManifest.ts";
import { scratchFolder } from "../data/scratch.ts";
import { contentOf } from "./checkpointContent.ts";

const NAMES = ["manifest.json", "state.json", "config.yaml", "model.safetensors"];

describe("a checkpoint from a stranger", () => {
  const scratch = scratchFolder();

  /** A checkpoint of which one file is replaced. */
  async function withOther(name: string, replace: (path: string) => unknown): Promise<string> {
    const run = await fs.mkdtemp(join(scratch(), "run-"));
    const { folder } = await saveCheckpoint(run, contentOf(1));
    await fs.rename(join(folder, name), join(run, "elsewhere"));
    await replace(join(folder, name));
    return folder;
  }

  async function assertRefused(folder: string, message: RegExp): Promise<void> {
    for (const read of [() => loadCheckpoint(folder, { which: ["model"] }), () => verifyCheckpoint(folder)]) {
      await assert.rejects(read, (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  }

  for (const name of NAMES) {
    it(`${name} is not read through a link out of its folder, though what lies there is sound`, async () => {
      const folder = await withOther(name, (path) => fs.symlink(join("..", "..", "elsewhere"), path));
      await assertRefused(folder, RegExp(`expected a path inside this folder, got "${name}", a link to .*elsewhere`));
    });

    it(`${name} is not waited for when it is a pipe`, async function () {
      if (process.platform === "win32") this.skip();
      const folder = await withOther(name, (path) => execFileSync("mkfifo", [path]));
      await assertRefused(folder, RegExp(`${name}: expected (a plain file|\\d+ bytes, got 0)`));
    });
  }

  it("a manifest or a state of a terabyte is refused before it is read", async () => {
    for (const name of ["manifest.json", "state.json"]) {
      const folder = await withOther(name, async (path) => {
        await fs.writeFile(path, "{}");
        await fs.truncate(path, 2 ** 40);
      });
      await assert.rejects(loadCheckpoint(folder, { which: [] }), RegExp(`${name}: expected at most 16 MiB of text`));
      await assert.rejects(verifyCheckpoint(folder), RegExp(`${name}: expected .*, got 1099511627776`));
    }
  });

  it("is listed all the same, with what is wrong with it", async () => {
    const folder = await withOther("state.json", (path) => fs.symlink(join("..", "..", "elsewhere"), path));
    const { files } = await readContents(folder);
    const damage = new Map(files.map((file) => [file.name, file.damage]));
    assert.match(damage.get("state.json") ?? "", /a link to/);
    assert.equal(damage.get("model.safetensors"), null);
  });
});
