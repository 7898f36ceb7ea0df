import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../../src/base/hash.ts";
import {
  type BuildManifest,
  buildName,
  findBuilds,
  openBuild,
  sealFolder,
  verifyBuild,
} from "../../../src/engine/eager/tensorflowBuild.ts";

describe("builds of native TensorFlow", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "kinema-builds-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function writeBuild(change: Partial<BuildManifest> = {}): Promise<string> {
    const folder = join(root, buildName("2.21.0", "cpu"));
    mkdirSync(join(folder, "tensorflow"), { recursive: true });
    writeFileSync(join(folder, "tensorflow", "library.so"), "library");
    const manifest: BuildManifest = {
      schema: "kinema.tensorflow",
      version: 1,
      tensorflow: "2.21.0",
      variant: "cpu",
      platform: process.platform,
      arch: process.arch,
      wheels: [{ file: "w.whl", bytes: 1, sha256: sha256("w") }],
      packages: [{ name: "p", version: "1", integrity: "sha512-x" }],
      compiler: "c++",
      files: await sealFolder(folder),
      ...change,
    };
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
    return folder;
  }

  it("are found for this machine only: for a GPU first, then the newest", async () => {
    const ours = [
      buildName("2.9.3", "gpu"),
      buildName("2.21.0", "cpu"),
      buildName("2.9.10", "cpu"),
      buildName("2.9.3", "cpu"),
    ];
    const others = ["2.21.0-cpu-plan9-x64", "downloads", `.${buildName("2.22.0", "cpu")}.tmp-1-1`];
    for (const name of [...others, ...ours.toReversed()]) mkdirSync(join(root, name));
    assert.deepEqual(
      await findBuilds(root),
      ours.map((name) => join(root, name)),
    );
    assert.deepEqual(await findBuilds(join(root, "none")), []);
  });

  it("open when every file has its size, and verify when every file has its hash", async () => {
    const folder = await writeBuild();
    assert.deepEqual(openBuild(folder).manifest.files["tensorflow/library.so"], {
      bytes: 7,
      sha256: sha256("library"),
    });
    await verifyBuild(openBuild(folder));
    const library = join(folder, "tensorflow", "library.so");
    writeFileSync(library, "librarY");
    await assert.rejects(verifyBuild(openBuild(folder)), /library\.so: expected sha256 .*; try kinema engine install/);
    writeFileSync(library, "libr");
    assert.throws(() => openBuild(folder), /library\.so: expected 7 bytes, got 4 bytes/);
    rmSync(library);
    assert.throws(() => openBuild(folder), /library\.so: expected 7 bytes, got no file/);
  });

  it("are refused with a manifest that is not one, or that points out of the folder", async () => {
    for (const outside of ["../x", "/etc/passwd", "a/../../x"]) {
      const folder = await writeBuild({ files: { [outside]: { bytes: 1, sha256: sha256("") } } });
      assert.throws(() => openBuild(folder), /manifest\.json/, outside);
    }
    const folder = await writeBuild();
    const path = join(folder, "manifest.json");
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -2));
    assert.throws(() => openBuild(folder), /expected JSON/);
  });
});
