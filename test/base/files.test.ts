import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  makeFolder,
  namesIn,
  removeFolder,
  removeLeftovers,
  resolveInside,
  writeFileAtomic,
  writeFolderAtomic,
} from "../../src/base/files.ts";
import { dieEverywhere, FaultyDisk } from "./faultyDisk.ts";

describe("crash-safe files", () => {
  let root: string;
  beforeEach(async () => {
    root = await fs.mkdtemp(join(tmpdir(), "kinema-files-"));
  });
  afterEach(() => fs.rm(root, { recursive: true, force: true }));

  const read = (name: string) => fs.readFile(join(root, name), "utf8");

  it("writes text, bytes and pieces, and leaves nothing beside", async () => {
    await writeFileAtomic(join(root, "a"), "text");
    await writeFileAtomic(join(root, "b"), Uint8Array.of(104, 105));
    await writeFileAtomic(join(root, "c"), [Buffer.from("one "), Buffer.from(""), Buffer.from("two")]);
    assert.deepEqual([await read("a"), await read("b"), await read("c")], ["text", "hi", "one two"]);
    assert.deepEqual(await namesIn(root), ["a", "b", "c"]);
  });

  it("lets a piece be overwritten once the next is asked for", async () => {
    const piece = new Uint8Array(4);
    function* pieces() {
      for (const letter of [97, 98, 99]) yield piece.fill(letter);
    }
    await writeFileAtomic(join(root, "a"), pieces());
    assert.equal(await read("a"), "aaaabbbbcccc");
  });

  it("a file is the old or the new one wherever the writer dies", async () => {
    let seen = "";
    const deaths = await dieEverywhere(
      () => fs.writeFile(join(root, "a"), "old"),
      () => writeFileAtomic(join(root, "a"), [Buffer.from("n"), Buffer.from("ew")]),
      async (where, finished) => {
        seen = await read("a");
        assert.ok(finished ? seen === "new" : seen === "old" || seen === "new", `${where}: ${seen}`);
        await removeLeftovers(root);
        assert.deepEqual(await namesIn(root), ["a"], where);
      },
    );
    assert.ok(deaths >= 3 * 6, `only ${deaths} deaths`);
  });

  it("a folder is whole or not there wherever the writer dies", async () => {
    const folder = join(root, "deep", "er", "f");
    await dieEverywhere(
      () => fs.rm(join(root, "deep"), { recursive: true, force: true }),
      () => writeFolderAtomic(folder, fill("new")),
      async (where, finished) => {
        const names = await namesIn(folder);
        if (finished || names.length > 0) await assertFilled(folder, ["new"], where);
      },
    );
  });

  it("a folder that is replaced is the old or the new one, after cleaning up", async () => {
    const folder = join(root, "f");
    await dieEverywhere(
      async () => {
        await fs.rm(folder, { recursive: true, force: true });
        await writeFolderAtomic(folder, fill("old"));
      },
      () => writeFolderAtomic(folder, fill("new"), { replace: true }),
      async (where, finished) => {
        await removeLeftovers(root);
        await assertFilled(folder, finished ? ["new"] : ["old", "new"], where);
        assert.deepEqual(await namesIn(root), ["f"], where);
      },
    );
  });

  it("does not replace a filled folder unasked, and takes over an empty one", async () => {
    const folder = join(root, "f");
    await makeFolder(folder);
    await writeFolderAtomic(folder, fill("first"));
    await assert.rejects(
      writeFolderAtomic(folder, fill("second")),
      /f: expected no folder yet, got one with files in it/,
    );
    await assertFilled(folder, ["first"], "refused");
  });

  it("what fill throws comes through, and nothing is left", async () => {
    const boom = new Error("boom");
    await assert.rejects(
      writeFolderAtomic(join(root, "f"), () => Promise.reject(boom)),
      boom,
    );
    assert.deepEqual(await namesIn(root), []);
  });

  it("a full or failing disk: one clear line, the old file stays, no sync is tried again", async () => {
    for (const code of ["ENOSPC", "EIO"] as const) {
      for (let failAt = 0; failAt < 5; failAt += 1) {
        await fs.writeFile(join(root, "a"), "old");
        const disk = new FaultyDisk(failAt, { code, kinds: ["open", "write", "sync", "rename"] });
        const error = await disk.run(() => writeFileAtomic(join(root, "a"), "new")).catch((caught: unknown) => caught);
        const call = disk.calls[failAt] ?? "";
        assert.match(
          String(error),
          /a: could not be written: the disk (is full|reported an input\/output error)/,
          call,
        );
        const renamed = call === `sync ${root}`;
        assert.equal(await read("a"), renamed ? "new" : "old", call);
        assert.deepEqual(await namesIn(root), ["a"], call);
        assert.equal(new Set(disk.calls).size, disk.calls.length, `a call was tried again: ${disk.calls.join(", ")}`);
      }
    }
  });

  it("removes a folder at once or not at all", async () => {
    const folder = join(root, "f");
    await dieEverywhere(
      () => writeFolderAtomic(folder, fill("x"), { replace: true }),
      () => removeFolder(folder),
      async (where, finished) => {
        if ((await namesIn(folder)).length > 0) await assertFilled(folder, ["x"], where);
        assert.ok(!finished || (await namesIn(folder)).length === 0, where);
      },
    );
    await removeFolder(join(root, "none"));
  });

  describe("resolveInside", () => {
    beforeEach(async () => {
      await fs.mkdir(join(root, "in", "sub"), { recursive: true });
      await fs.mkdir(join(root, "in-not"));
      await fs.writeFile(join(root, "secret"), "");
      await fs.symlink("sub", join(root, "in", "good"));
      await fs.symlink(root, join(root, "in", "out"));
      await fs.symlink("../secret", join(root, "in", "file"));
      await fs.symlink("../in-not/later", join(root, "in", "dangling"));
      await fs.symlink("dangling", join(root, "in", "chain"));
      await fs.symlink("loop", join(root, "in", "loop"));
    });

    it("gives absolute paths of what is inside, existing or not", async () => {
      const inside = await fs.realpath(join(root, "in"));
      for (const name of ["sub", "sub/new/er.arrow", "good/x", "./a..b", "..."]) {
        assert.equal(await resolveInside(join(root, "in"), name), join(inside, name));
      }
    });

    it("refuses what is or leads outside", async () => {
      const names = [
        "",
        "..",
        "../secret",
        "sub/../../secret",
        "sub\\..\\..\\x",
        "/etc/passwd",
        "\\x",
        "C:\\x",
        "a\0b",
      ];
      for (const name of [...names, "out", "out/secret", "out/new", "file", "dangling", "chain", "loop"]) {
        await assert.rejects(resolveInside(join(root, "in"), name), Error, name);
      }
    });
  });
});

function fill(text: string): (folder: string) => Promise<void> {
  return async (folder) => {
    await fs.mkdir(join(folder, "sub"));
    await writeFileAtomic(join(folder, "sub", "b"), `${text} too`);
    const plain = await fs.open(join(folder, "a"), "wx");
    await plain.write(Buffer.from(text), 0, text.length).finally(() => plain.close());
  };
}

async function assertFilled(folder: string, texts: readonly string[], where: string): Promise<void> {
  const text = await fs.readFile(join(folder, "a"), "utf8");
  assert.ok(texts.includes(text), `${where}: ${JSON.stringify(text)}`);
  assert.equal(await fs.readFile(join(folder, "sub", "b"), "utf8"), `${text} too`, where);
}
