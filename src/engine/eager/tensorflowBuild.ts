import { lstatSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";
import { errorCode } from "../../base/files.ts";
import { type FileSeal, sealOfFile } from "../../base/hash.ts";
import { parseJson } from "../../base/json.ts";
import { userCache } from "../../base/userCache.ts";

/** Where things lie in the folder of a build. */
export const buildLayout = {
  manifest: "manifest.json",
  /** The package @tensorflow/tfjs-node or tfjs-node-gpu. */
  package: "package",
  addon: "package/lib/tfjs_binding.node",
  /** libtensorflow, as in its wheel. */
  libraries: "tensorflow",
  /** CUDA's libraries, as in their wheels; in gpu builds only. */
  cuda: "nvidia",
} as const;

export const buildVariants = ["cpu", "gpu"] as const;
export type BuildVariant = (typeof buildVariants)[number];

const seal = z.strictObject({ bytes: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const manifestSchema = z.strictObject({
  schema: z.literal("kinema.tensorflow"),
  version: z.literal(1),
  /** TensorFlow's version, e.g. `2.21.0`. */
  tensorflow: z.string(),
  variant: z.enum(buildVariants),
  platform: z.string(),
  arch: z.string(),
  /** Wheels that libraries came from, TensorFlow's first. */
  wheels: z.array(z.strictObject({ file: z.string(), ...seal.shape })).min(1),
  /** npm packages, with the hash that npm knows them by. */
  packages: z.array(z.strictObject({ name: z.string(), version: z.string(), integrity: z.string() })),
  /** First line of the compiler's `--version`. */
  compiler: z.string(),
  /** Every other file of the build, by its path with slashes. */
  files: z.record(z.string().regex(/^(?!.*(^|\/)\.\.(\/|$))[^/\\]/), seal),
});

/** `manifest.json` of a build of native TensorFlow: what it was made of, and every file's size and hash. */
export type BuildManifest = z.infer<typeof manifestSchema>;

/** A build of native TensorFlow, as `kinema engine install tensorflow` makes it. */
export interface TensorflowBuild {
  readonly folder: string;
  readonly manifest: BuildManifest;
}

/** The folder that holds all builds: `tensorflow` in the user's cache. */
export function buildsFolder(): string {
  return userCache("tensorflow");
}

/** `2.21.0-cpu-linux-x64`: builds for several machines may lie in one cache. */
export function buildName(version: string, variant: BuildVariant): string {
  return `${version}-${variant}-${process.platform}-${process.arch}`;
}

/** Folders of the builds for this machine: those for a GPU first, then the newest. */
export async function findBuilds(root = buildsFolder()): Promise<string[]> {
  const names = await readdir(root).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  const suffix = `${process.platform}-${process.arch}`;
  const found = names.flatMap((name) => {
    const [, version, variant] = /^(\d[^-]*)-(cpu|gpu)-(.+)$/.exec(name) ?? [];
    return version !== undefined && name.endsWith(`-${variant}-${suffix}`) ? [{ name, version, variant }] : [];
  });
  const newestFirst = new Intl.Collator("en", { numeric: true });
  found.sort((a, b) =>
    a.variant === b.variant ? newestFirst.compare(b.version, a.version) : a.variant === "gpu" ? -1 : 1,
  );
  return found.map(({ name }) => join(root, name));
}

/** Reads a build's manifest and compares the size of each file. @throws UserError that names what is missing or changed. */
export function openBuild(folder: string): TensorflowBuild {
  const path = join(folder, buildLayout.manifest);
  const manifest = conform(manifestSchema, parseJson(readFileSync(path, "utf8"), path), path);
  for (const [file, { bytes }] of Object.entries(manifest.files)) {
    const size = lstatSync(join(folder, file), { throwIfNoEntry: false })?.size;
    if (size !== bytes) throw changed(folder, file, `${bytes} bytes`, size === undefined ? "no file" : `${size} bytes`);
  }
  return { folder, manifest };
}

/** Compares the hash of each file, which takes a second or two. @throws UserError that names the first changed one. */
export async function verifyBuild({ folder, manifest }: TensorflowBuild): Promise<void> {
  for (const [file, { sha256 }] of Object.entries(manifest.files)) {
    const got = await sealOfFile(join(folder, file));
    if (got.sha256 !== sha256) throw changed(folder, file, `sha256 ${sha256}`, got.sha256);
  }
}

/** The seal of every file below a folder, by its path with slashes, sorted. */
export async function sealFolder(folder: string): Promise<Record<string, FileSeal>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const seals: Record<string, FileSeal> = {};
  for (const file of files.sort()) seals[file.slice(folder.length + 1).replaceAll("\\", "/")] = await sealOfFile(file);
  return seals;
}

function changed(folder: string, file: string, expected: string, got: string): UserError {
  return new UserError(join(folder, file), { expected, got, try: "kinema engine install tensorflow to build it anew" });
}
