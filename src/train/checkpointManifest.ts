/** The manifest of a checkpoint: which files it has, how long they are, and their hashes. It is sealed by a hash too. */
import fs from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError } from "../base/errors.ts";
import { errorCode, resolveInside } from "../base/files.ts";
import { type FileSeal, sealOfBytes, sealOfFile, sha256OfJson } from "../base/hash.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../base/json.ts";
import { readSmallFile } from "../base/plainFile.ts";

export const manifestName = "manifest.json";
const format = "kinema-checkpoint";
const version = 1;

export interface CheckpointManifest {
  readonly step: number;
  /** Every file but the manifest itself. */
  readonly files: Readonly<Record<string, FileSeal>>;
  /** What the checkpoint was found to be worth, by the names of logged losses. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** The text of a manifest. */
export function encodeManifest({ step, files, metrics }: CheckpointManifest): string {
  const body: JsonObject = { format, version, step, metrics, files };
  return `${JSON.stringify({ ...body, seal: sha256OfJson(body) }, null, 2)}\n`;
}

/** Reads the manifest of a checkpoint folder. @throws UserError when it is missing, damaged or of another version. */
export async function readManifest(folder: string): Promise<CheckpointManifest> {
  const path = join(folder, manifestName);
  const bytes = await whenReadable(path, async () => readSmallFile(await resolveInside(folder, manifestName)));
  const { seal, ...body } = parseJsonObject(bytes.toString("utf8"), path);
  if (body.format !== format || body.version !== version) {
    throw new UserError(path, {
      expected: `${format} of version ${version}`,
      got: `${JSON.stringify(body.format)} of version ${JSON.stringify(body.version)}`,
    });
  }
  const { step, files, metrics = {} } = body;
  if (!Number.isSafeInteger(step) || !isSeals(files) || !isNumbers(metrics)) {
    throw new UserError(path, "the manifest is damaged");
  }
  if (seal !== sha256OfJson(body)) throw new UserError(path, "the manifest is damaged: its seal does not fit");
  return { step: step as number, files, metrics };
}

/** The file's seal in the manifest. @throws UserError when the checkpoint has no such file. */
export function sealOf(manifest: CheckpointManifest, folder: string, name: string): FileSeal {
  const seal = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
  if (seal !== undefined) return seal;
  throw new UserError(folder, { expected: name, got: `only ${Object.keys(manifest.files).join(", ")}` });
}

/** @throws UserError naming the file when what was read of it is not what was written. */
export function checkSeal(path: string, expected: FileSeal, got: FileSeal): void {
  if (got.bytes !== expected.bytes) {
    throw new UserError(path, { expected: `${expected.bytes} bytes`, got: `${got.bytes}: the file is damaged` });
  }
  if (got.sha256 !== expected.sha256) {
    throw new UserError(path, { expected: `SHA-256 ${expected.sha256}`, got: `${got.sha256}: the file is damaged` });
  }
}

/** Reads every file of a checkpoint again and compares it with the manifest. @throws UserError naming the first bad file. */
export async function verifyCheckpoint(folder: string): Promise<CheckpointManifest> {
  const manifest = await readManifest(folder);
  for (const [name, seal] of Object.entries(manifest.files)) await verifyFile(folder, name, seal);
  return manifest;
}

/**
 * Reads a file again and compares it. @throws UserError when it cannot be read, is a link out of the folder, or is not
 * what was written.
 */
export async function verifyFile(folder: string, name: string, seal: FileSeal): Promise<void> {
  const path = join(folder, name);
  const got = await whenReadable(path, async () => {
    const inside = await resolveInside(folder, name);
    const { size } = await fs.stat(inside);
    return size === seal.bytes ? sealOfFile(inside) : { bytes: size, sha256: "" };
  });
  checkSeal(path, seal, got);
}

/** The text of a file that a manifest names. @throws UserError as `verifyFile` does, and when it is too large. */
export async function readSealedText(folder: string, manifest: CheckpointManifest, name: string): Promise<string> {
  const path = join(folder, name);
  const seal = sealOf(manifest, folder, name);
  const bytes = await whenReadable(path, async () => readSmallFile(await resolveInside(folder, name)));
  checkSeal(path, seal, sealOfBytes(bytes));
  return bytes.toString("utf8");
}

/** True when the manifest is sound and every file is there with its length. Contents are not read. */
export async function looksWhole(folder: string): Promise<boolean> {
  try {
    const { files } = await readManifest(folder);
    const sizes = Object.entries(files).map(
      async ([name, { bytes }]) => (await fs.stat(join(folder, name))).size === bytes,
    );
    return (await Promise.all(sizes)).every(Boolean);
  } catch {
    return false;
  }
}

async function whenReadable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(path, { expected: "a readable file", got: errorCode(error) ?? String(error) });
  }
}

function isNumbers(value: JsonValue): value is Readonly<Record<string, number>> {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === "number");
}

function isSeals(value: JsonValue | undefined): value is JsonObject & Readonly<Record<string, FileSeal>> {
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(([name, seal]) => {
    const plain = name === basename(name) && name !== "" && !name.startsWith(".");
    return plain && isJsonObject(seal) && Number.isSafeInteger(seal.bytes) && typeof seal.sha256 === "string";
  });
}
