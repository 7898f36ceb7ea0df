import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { writeNewFile } from "../../base/files.ts";
import { sharedPackages } from "../eager/tensorflowBackend.ts";
import { type BuildManifest, type BuildVariant, buildLayout, sealFolder } from "../eager/tensorflowBuild.ts";
import { compileBinding } from "./compiler.ts";
import { type BuildPackages, fetchPackages, type PackageTools } from "./npmPackages.ts";
import type { Tool } from "./tool.ts";
import type { InstallListener, TensorflowWheels } from "./wheels.ts";

/** What a build is made of, and with. */
export interface BuildParts {
  readonly variant: BuildVariant;
  readonly wheels: TensorflowWheels;
  readonly packages: BuildPackages;
  readonly packageTools: PackageTools;
  readonly compiler: Tool;
  readonly listener: InstallListener;
}

const STAND_IN = 'throw new Error("Kinema puts its own tfjs in this place before it loads this package");\n';

/** Makes a build in an empty folder: libraries, tfjs-node's kernels, the binding, and last the manifest. */
export async function makeBuild(folder: string, parts: BuildParts): Promise<BuildManifest> {
  const { variant, wheels, packages, packageTools, compiler, listener } = parts;
  const { binding, protobuf, headers } = packages;
  const scrap = join(folder, "scrap");

  listener.onStep(`downloading ${binding.name} ${binding.version} with npm ${packageTools.npm.version}`);
  await fetchPackages(packageTools, [binding, protobuf, headers], scrap);
  await arrangePackages(scrap, packages, join(folder, buildLayout.package));

  listener.onStep(`unpacking TensorFlow ${wheels.version}`);
  const tensorflowHeaders = await wheels.unpackHeaders(scrap);
  await wheels.unpackLibraries(folder);

  listener.onStep(`compiling the binding with ${compiler.version}`);
  const addon = join(folder, buildLayout.addon);
  const libraries = join(folder, buildLayout.libraries);
  await compileBinding(compiler, {
    sources: join(scrap, binding.name, "binding"),
    headers: [join(scrap, headers.name, "include"), tensorflowHeaders],
    libraries,
    libraryNames: wheels.libraryNames,
    librariesFromAddon: relative(dirname(addon), libraries),
    addon,
  });
  await rm(scrap, { recursive: true });

  listener.onStep("recording sizes and hashes");
  const manifest: BuildManifest = {
    schema: "kinema.tensorflow",
    version: 1,
    tensorflow: wheels.version,
    variant,
    platform: process.platform,
    arch: process.arch,
    wheels: await wheels.seals(),
    packages: [binding, protobuf],
    compiler: compiler.version,
    files: await sealFolder(folder),
  };
  await writeNewFile(join(folder, buildLayout.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** Puts the kernels of tfjs-node in their place, with what they import: protobuf, and stand-ins for our own tfjs. */
async function arrangePackages(scrap: string, { binding, protobuf }: BuildPackages, target: string): Promise<void> {
  const modules = join(target, "node_modules");
  await mkdir(modules, { recursive: true });
  for (const name of ["package.json", "dist"]) await rename(join(scrap, binding.name, name), join(target, name));
  await rename(join(scrap, protobuf.name), join(modules, protobuf.name));
  for (const name of sharedPackages) {
    await mkdir(join(modules, name), { recursive: true });
    await writeFile(join(modules, name, "index.js"), STAND_IN);
  }
}
