import { rm, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { assert, UserError } from "../../base/errors.ts";
import { makeFolder, removeFolder, removeLeftovers, writeFolderAtomic } from "../../base/files.ts";
import { lockFolder } from "../../base/folderLock.ts";
import { type BuildManifest, buildName, buildsFolder, findBuilds } from "../eager/tensorflowBuild.ts";
import { makeBuild } from "./build.ts";
import { findCompiler } from "./compiler.ts";
import { type BuildPackages, findPackageTools, type PackageTools, pinnedPackages } from "./npmPackages.ts";
import { findPip } from "./pip.ts";
import { probeBuild } from "./probe.ts";
import { HERE, type Tool } from "./tool.ts";
import { type InstallListener, TensorflowWheels } from "./wheels.ts";

export interface InstallOptions {
  readonly gpu: boolean;
  /** TensorFlow's wheel on the disk; without it pip downloads one. */
  readonly wheel: string | undefined;
  readonly listener: InstallListener;
  /** The folder of all builds; by default the one where `engine.kind: tensorflow` looks. */
  readonly root?: string;
  /** npm packages; by default the ones whose content is known. */
  readonly packages?: BuildPackages;
  /** Runs a finished build and gives the device that computed. */
  readonly probe?: (folder: string) => Promise<"cpu" | "gpu">;
}

export interface Installation {
  readonly folder: string;
  readonly manifest: BuildManifest;
  /** What computed in the first run. `cpu` in a build for a GPU: none was found. */
  readonly device: "cpu" | "gpu";
}

/** Beside the libraries: packages, the binding, and what the file system takes. */
const SPARE_BYTES = 100e6;

/**
 * Makes the native TensorFlow engine of a TensorFlow wheel and tfjs-node's binding, tries it out, and puts it where
 * `engine.kind: tensorflow` finds it. All or nothing: a build of before stays until the new one has run. Downloads of
 * an installation that failed are used by the next.
 * @throws UserError telling what is missing or what refused.
 */
export async function installTensorflow(options: InstallOptions): Promise<Installation> {
  checkMachine();
  const tools = {
    pip: options.wheel === undefined ? await findPip() : undefined,
    packageTools: await findPackageTools(),
    compiler: await findCompiler(),
  };
  const { root = buildsFolder() } = options;
  await makeFolder(root);
  const lock = lockFolder(root, {
    wanted: "a folder that nobody installs an engine in",
    does: "installs an engine in",
    try: "again when it is done",
  });
  try {
    await removeLeftovers(root);
    return await install(root, tools, options);
  } finally {
    lock.release();
  }
}

interface Tools {
  readonly pip: Tool | undefined;
  readonly packageTools: PackageTools;
  readonly compiler: Tool;
}

async function install(root: string, { pip, ...tools }: Tools, options: InstallOptions): Promise<Installation> {
  const { wheel: file, listener, probe = probeBuild } = options;
  const variant = options.gpu ? "gpu" : "cpu";
  const { packages = pinnedPackages(variant) } = options;
  const downloads = join(root, "downloads");
  const wheels = await TensorflowWheels.open({ variant, file, pip, downloads, listener });
  try {
    await checkRoom(root, wheels.unpackedBytes + SPARE_BYTES);
    const folder = join(root, buildName(wheels.version, variant));
    let made: Omit<Installation, "folder"> | undefined;
    const fill = async (beside: string) => {
      const manifest = await makeBuild(beside, { variant, wheels, packages, listener, ...tools });
      listener.onStep("trying it out");
      made = { manifest, device: await probe(beside) };
    };
    await writeFolderAtomic(folder, fill, { replace: true });
    assert(made !== undefined, "a folder stands only when it was filled");
    await removeOlder(folder, root, buildName("", variant));
    await rm(downloads, { recursive: true, force: true });
    return { folder, ...made };
  } finally {
    await wheels.close();
  }
}

/** @throws UserError on machines that TensorFlow's wheels bring no usable library for. */
function checkMachine(): void {
  const got = `${process.platform} ${process.arch}`;
  if (["linux x64", "linux arm64"].includes(got)) return;
  throw new UserError(HERE, { expected: "Linux on x64 or arm64", got, try: "npm install @tensorflow/tfjs-node" });
}

async function checkRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  const [expected, got] = [bytes, bavail * bsize].map((count) => `${Math.ceil(count / 1e6)} MB`);
  throw new UserError(folder, { expected: `${expected} of free disk`, got: `${got}` });
}

/** Removes builds of other versions that the new one takes the place of. */
async function removeOlder(folder: string, root: string, suffix: string): Promise<void> {
  for (const other of await findBuilds(root)) {
    if (other !== folder && basename(other).endsWith(suffix)) await removeFolder(other);
  }
}
