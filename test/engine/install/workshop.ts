import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import type { BuildPackages, PinnedPackage } from "../../../src/engine/install/npmPackages.ts";
import { installTensorflow } from "../../../src/engine/install/tensorflow.ts";
import { writeZip } from "../../base/writeZip.ts";

const tags: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
/** The tag of wheels for this machine. */
export const ourTag = `cp311-cp311-manylinux_2_27_${tags[process.arch]}`;

/** What a wheel holds that differs from a good one of tensorflow-cpu. */
export interface WheelRecipe {
  readonly project?: string;
  readonly version?: string;
  readonly tag?: string;
  readonly requirements?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

const tensorflowFiles = {
  "tensorflow/libtensorflow_cc.so.2": "the library",
  "tensorflow/libtensorflow_framework.so.2": "the framework",
  "tensorflow/include/tensorflow/c/c_api.h": "// header",
  "tensorflow/python/large.so": "not needed",
};

/** Writes a small wheel and gives its path. */
export function writeWheel(folder: string, recipe: WheelRecipe = {}): string {
  const { project = "tensorflow_cpu", version = "9.9.1", tag = ourTag, requirements = [] } = recipe;
  const info = `${project}-${version}.dist-info`;
  const needs = requirements.map((line) => `Requires-Dist: ${line}\n`).join("");
  const path = join(folder, `${project}-${version}-${tag}.whl`);
  writeZip(path, {
    ...(recipe.files ?? tensorflowFiles),
    [`${info}/METADATA`]: `Metadata-Version: 2.4\nName: ${project}\nVersion: ${version}\n${needs}\nName: of the description\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nTag: ${tag}\n`,
  });
  return path;
}

/**
 * Stand-ins for pip, npm and the compiler, in a folder that is the whole PATH while `install` runs. What they do can be
 * replaced by other scripts.
 */
export class Workshop {
  readonly root: string;
  readonly wheels: string;
  readonly packages: BuildPackages;
  readonly steps: string[] = [];
  private readonly bin: string;
  private readonly archives: string;

  constructor(folder: string) {
    this.bin = join(folder, "bin");
    this.archives = join(folder, "archives");
    this.wheels = join(folder, "wheels");
    this.root = join(folder, "cache");
    for (const each of [this.bin, this.archives, this.wheels]) mkdirSync(each, { recursive: true });
    this.packages = {
      binding: this.pack("@tensorflow/tfjs-node", {
        "package.json": "{}",
        "dist/kernels.js": "",
        "binding/tfjs_backend.cc": "",
        "binding/tfjs_binding.cc": "",
      }),
      protobuf: this.pack("google-protobuf", { "package.json": "{}" }),
      headers: this.pack("node-api-headers", { "include/node_api.h": "" }),
    };
    for (const name of ["tar", "gzip"]) symlinkSync(findOnPath(name), join(this.bin, name));
    this.tool("npm", `[ "$1" = --version ] && echo 10.0.0 && exit 0; cp ${this.archives}/*.tgz .`);
    this.tool(
      "c++",
      `[ "$1" = --version ] && echo "c++ 12" && exit 0; while [ "$1" != -o ]; do shift; done; echo addon > "$2"`,
    );
    this.tool("pip", this.pipThat(`cp ${this.wheels}/$name-*.whl "$dest"/ && echo "Saved it"`));
  }

  /** A pip that answers, and does `download` with `$requirement`, the `$name` of its wheel, and `$dest`. */
  pipThat(download: string): string {
    return `[ "$1" = --version ] && echo "pip 24.2 from somewhere" && exit 0
      requirement=$2; name=$(echo "$2" | sed 's/[<>=].*//; s/-/_/g'); while [ "$1" != --dest ]; do shift; done; dest=$2
      echo "$requirement $*" >> ${this.wheels}/asked
      ${download}`;
  }

  /** What pip was asked for. */
  get asked(): string[] {
    const path = join(this.wheels, "asked");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  /** Puts a shell script on the PATH, or takes it away. */
  tool(name: string, script: string | undefined): void {
    const path = join(this.bin, name);
    rmSync(path, { force: true });
    if (script === undefined) return;
    writeFileSync(path, `#!/bin/sh\nPATH=${process.env.PATH}\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** Installs with these tools and no others. */
  async install(options: Partial<Parameters<typeof installTensorflow>[0]> = {}) {
    const { PATH, CXX } = process.env;
    process.env.PATH = this.bin;
    delete process.env.CXX;
    try {
      return await installTensorflow({
        gpu: false,
        wheel: undefined,
        listener: { onStep: (title) => this.steps.push(title), onBytes: () => undefined },
        root: this.root,
        packages: this.packages,
        probe: async () => "cpu",
        ...options,
      });
    } finally {
      process.env.PATH = PATH;
      if (CXX !== undefined) process.env.CXX = CXX;
    }
  }

  private pack(name: string, files: Readonly<Record<string, string>>): PinnedPackage {
    const folder = join(this.archives, "contents", name);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(folder, "package", file, ".."), { recursive: true });
      writeFileSync(join(folder, "package", file), text);
    }
    const archive = join(this.archives, `${name.replace("@", "").replace("/", "-")}-1.0.0.tgz`);
    execFileSync("tar", ["-czf", archive, "-C", folder, "package"]);
    const hash = createHash("sha512").update(readFileSync(archive)).digest("base64");
    return { name, version: "1.0.0", integrity: `sha512-${hash}` };
  }

  /** Changes a package's archive after its hash was taken. */
  tamper(name: string): void {
    const archive = join(this.archives, `${name}-1.0.0.tgz`);
    copyFileSync(join(this.archives, "node-api-headers-1.0.0.tgz"), archive);
  }
}

function findOnPath(name: string): string {
  const folder = (process.env.PATH ?? "").split(delimiter).find((each) => existsSync(join(each, name)));
  if (folder === undefined) throw new Error(`no ${name} on the PATH`);
  return join(folder, name);
}
