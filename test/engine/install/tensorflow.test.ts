import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { buildName, findBuilds, openBuild, verifyBuild } from "../../../src/engine/eager/tensorflowBuild.ts";
import { probeBuild } from "../../../src/engine/install/probe.ts";
import { ourTag, Workshop, writeWheel } from "./workshop.ts";

const isHere = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);

describe("installing native TensorFlow", function () {
  if (!isHere) {
    it.skip("runs on Linux only");
    return;
  }
  this.timeout(120_000);
  let folder: string;
  let shop: Workshop;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kinema-install-"));
    shop = new Workshop(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The installation ends in one line that says this, and no build stands. */
  async function refused(work: Promise<unknown>, says: RegExp): Promise<void> {
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, says);
      assert.ok(!error.message.includes("\n"), error.message);
      return true;
    });
    assert.deepEqual(await findBuilds(shop.root), []);
    assert.deepEqual(leftovers(), []);
  }

  /** What stands in the cache besides builds and downloads. */
  const leftovers = () =>
    existsSync(shop.root) ? readdirSync(shop.root).filter((name) => !/^(downloads|\d.*)$/.test(name)) : [];

  it("downloads, unpacks what is needed, compiles, tries it out, and records every file", async () => {
    writeWheel(shop.wheels);
    let tried = "";
    const { folder: built, manifest } = await shop.install({
      probe: async (beside) => {
        tried = readFileSync(join(beside, "package/lib/tfjs_binding.node"), "utf8");
        return "cpu";
      },
    });
    assert.equal(tried, "addon\n");
    assert.equal(built, join(shop.root, buildName("9.9.1", "cpu")));
    assert.deepEqual(Object.keys(manifest.files), [
      "package/dist/kernels.js",
      "package/lib/tfjs_binding.node",
      "package/node_modules/@tensorflow/tfjs-core/index.js",
      "package/node_modules/@tensorflow/tfjs/index.js",
      "package/node_modules/google-protobuf/package.json",
      "package/package.json",
      "tensorflow/libtensorflow_cc.so.2",
      "tensorflow/libtensorflow_framework.so.2",
    ]);
    assert.equal(manifest.wheels[0]?.file, `tensorflow_cpu-9.9.1-${ourTag}.whl`);
    assert.deepEqual(await findBuilds(shop.root), [built]);
    await verifyBuild(openBuild(built));
    assert.deepEqual(readdirSync(shop.root), [buildName("9.9.1", "cpu")]);
    assert.match(shop.steps.join(), /downloading.*pip 24.2,.*npm 10.0.0,unpacking.*9.9.1,compiling.*c\+\+ 12,/);
  });

  it("takes a wheel from the disk, with no pip, and replaces the version of before", async () => {
    shop.tool("pip", undefined);
    await shop.install({ wheel: writeWheel(folder) });
    const { folder: newer } = await shop.install({ wheel: writeWheel(folder, { version: "9.10.0" }) });
    assert.deepEqual(await findBuilds(shop.root), [newer]);
  });

  it("keeps the build of before and the download when a step fails, and goes on from there", async () => {
    writeWheel(shop.wheels);
    const { folder: before } = await shop.install();
    shop.tool(
      "c++",
      `[ "$1" = --version ] && echo c++ && exit 0; echo "a.cc:3:1: error: no" >&2; echo more >&2; exit 1`,
    );
    await assert.rejects(shop.install(), /the binding does not compile \(exit code 1\): a\.cc:3:1: error: no$/);
    openBuild(before);
    assert.deepEqual(readdirSync(shop.root).sort(), [buildName("9.9.1", "cpu"), "downloads"]);
    assert.equal(readdirSync(join(shop.root, "downloads")).length, 1);
  });

  it("keeps no build that does not run", async () => {
    await refused(
      shop.install({ wheel: writeWheel(folder), probe: () => Promise.reject(new UserError("x", "it crashed")) }),
      /it crashed/,
    );
  });

  it("tells that the new engine does not load", async () => {
    const work = shop.install({ wheel: writeWheel(folder), probe: probeBuild });
    await refused(work, /the new engine does not run: .*(invalid ELF header|file too short)/);
  });

  it("tells which tool is missing", async () => {
    for (const [name, says] of [
      ["pip", /expected pip.*--wheel FILE/],
      ["c++", /expected a C\+\+ compiler.*build-essential/],
      ["npm", /expected npm and tar, got no npm/],
    ] as const) {
      const other = new Workshop(mkdtempSync(join(folder, name)));
      other.tool(name, undefined);
      await refused(other.install(), says);
    }
  });

  it("tells why pip brought nothing", async () => {
    for (const [script, says] of [
      [
        `echo "WARNING: Failed to establish a new connection" >&2; echo "ERROR: No matching distribution found" >&2; exit 1`,
        /cannot reach its index/,
      ],
      [`echo "ERROR: No matching distribution found for $requirement" >&2; exit 1`, /ERROR: No matching distribution/],
      [`echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1`, /the disk is full/],
    ] as const) {
      shop.tool("pip", shop.pipThat(script));
      await refused(shop.install(), says);
    }
  });

  it("asks for the wheel of another Python where there is none for the user's", async () => {
    writeWheel(shop.wheels);
    const forOlder = `case "$*" in *python-version?3.12*) cp ${shop.wheels}/$name-*.whl "$dest"/;;
      *) echo "ERROR: No matching distribution found" >&2; exit 1;; esac`;
    shop.tool("pip", shop.pipThat(forOlder));
    await shop.install();
    assert.equal(shop.asked.length, 3);
  });

  it("fetches a damaged download anew", async () => {
    const wheel = writeWheel(shop.wheels);
    const whole = readFileSync(wheel);
    writeFileSync(wheel, whole.subarray(0, whole.length - 40));
    await refused(shop.install(), /expected a whole zip file/);
    assert.deepEqual(readdirSync(join(shop.root, "downloads")), []);
    writeFileSync(wheel, Buffer.from(whole.toString("latin1").replace("the library", "the lIbrary"), "latin1"));
    await refused(shop.install(), /damaged: tensorflow.libtensorflow_cc.so.2 has a wrong checksum/);
    writeFileSync(wheel, whole);
    await shop.install();
  });

  it("refuses packages of other content than is known", async () => {
    shop.tamper("google-protobuf");
    await refused(shop.install({ wheel: writeWheel(folder) }), /expected google-protobuf 1.0.0 with sha512-/);
    shop.tool(
      "npm",
      `[ "$1" = --version ] && exit 0; echo "npm error code ENOTFOUND" >&2; echo "npm error x" >&2; exit 1`,
    );
    await refused(
      shop.install({ wheel: writeWheel(folder) }),
      /npm could not download .*: npm error code ENOTFOUND; try/,
    );
  });

  it("refuses wheels that are not for this machine or purpose", async () => {
    for (const [recipe, gpu, says] of [
      [{ tag: "cp311-cp311-win_amd64" }, false, /expected a wheel for linux .*, got one for win_amd64/],
      [{ tag: "cp311-cp311-manylinux_2_27_riscv64" }, false, /got one for manylinux_2_27_riscv64/],
      [{ project: "torch" }, false, /got one of torch/],
      [{ project: "tensorflow_cpu" }, true, /expected a wheel of tensorflow, for --gpu/],
      [{ files: { "tensorflow/other.so": "" } }, false, /expected libtensorflow_cc.so and .*, got none in/],
      [
        {
          files: {
            "tensorflow/libtensorflow_cc.so.2": "",
            "tensorflow/libtensorflow_framework.so.2": "",
            "tensorflow/include/tsl/../../../../../evil.h": "",
          },
        },
        false,
        /expected a path inside this folder/,
      ],
    ] as const) {
      await refused(shop.install({ gpu, wheel: writeWheel(folder, recipe) }), says);
    }
    await refused(shop.install({ wheel: join(folder, "none.whl") }), /cannot be opened \(ENOENT\)/);
    assert.ok(!existsSync(join(folder, "evil.h")));
  });

  it("for a GPU takes TensorFlow's larger wheel and CUDA's libraries, without its compiler", async () => {
    writeWheel(shop.wheels, {
      project: "tensorflow",
      requirements: [
        "numpy>=1.26.0",
        'nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
        'nvidia-cuda-nvcc-cu12<13.0,>=12.5.82; extra == "and-cuda"',
      ],
    });
    writeWheel(shop.wheels, {
      project: "nvidia_cublas_cu12",
      version: "12.9",
      files: { "nvidia/cublas/lib/libcublas.so.12": "cublas", "nvidia/cublas/include/cublas.h": "" },
    });
    const { folder: built, manifest, device } = await shop.install({ gpu: true });
    assert.deepEqual(
      shop.asked.map((line) => line.split(" ", 1)[0]),
      ["tensorflow", "nvidia-cublas-cu12<13.0,>=12.5.3.2"],
    );
    assert.equal(readFileSync(join(built, "nvidia/cublas/lib/libcublas.so.12"), "utf8"), "cublas");
    assert.deepEqual(
      [manifest.variant, device, manifest.wheels.map(({ file }) => file.split("-")[0])],
      ["gpu", "cpu", ["tensorflow", "nvidia_cublas_cu12"]],
    );
    assert.ok(!("nvidia/cublas/include/cublas.h" in manifest.files));
  });

  it("one process installs at a time; what a killed one left is removed", async () => {
    const wheel = writeWheel(folder);
    const left = join(shop.root, `.${buildName("9.9.1", "cpu")}.tmp-1-1`);
    mkdirSync(left, { recursive: true });
    const meanwhile = async () => {
      await assert.rejects(shop.install({ wheel }), /one that process \d+ installs an engine in/);
      return "cpu" as const;
    };
    await shop.install({ wheel, probe: meanwhile });
    assert.deepEqual(readdirSync(shop.root), [buildName("9.9.1", "cpu")]);
  });
});
