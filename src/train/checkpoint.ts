/**
 * Checkpoints of a run: `checkpoints/step-00000120/` with one safetensors file per part, state.json, config.yaml and
 * manifest.json. `checkpoints/latest` names the newest one that was read again after writing and found sound.
 */
import fs from "node:fs/promises";
import { basename, join } from "node:path";
import { assert, UserError } from "../base/errors.ts";
import { errorCode, namesIn, removeFolder, writeFileAtomic, writeFolderAtomic, writeNewFile } from "../base/files.ts";
import { type FileSeal, sealOfBytes } from "../base/hash.ts";
import { canonicalJson, type JsonObject, parseJsonObject } from "../base/json.ts";
import { type NamedTensors, readSafetensors, writeSafetensors } from "../base/safetensorsFile.ts";
import {
  type CheckpointManifest,
  checkSeal,
  encodeManifest,
  looksWhole,
  manifestName,
  readManifest,
  sealOf,
  verifyCheckpoint,
} from "./checkpointManifest.ts";

/** model: the raw weights; ema: their running average; optimizer: its moments. */
export type CheckpointPart = "model" | "ema" | "optimizer";

/** Everything that decides the run's next number. */
export interface CheckpointContent {
  /** Optimizer steps done, >= 0. */
  readonly step: number;
  /** Buffers are read until the promise resolves: give copies when training goes on meanwhile. */
  readonly tensors: Readonly<Partial<Record<CheckpointPart, NamedTensors>>>;
  /** The rest: loader cursor, counters ... */
  readonly state: JsonObject;
  /** The resolved config's YAML. */
  readonly config: string;
}

/** Which checkpoints stay: the newest `last` (>= 2), and every one whose step is a multiple of `every`. */
export interface Retention {
  readonly last: number;
  readonly every?: number;
}

export interface CheckpointPlace {
  readonly step: number;
  readonly folder: string;
}

export interface LoadedCheckpoint<Part extends CheckpointPart> extends CheckpointPlace {
  readonly tensors: Readonly<Record<Part, NamedTensors>>;
  readonly state: JsonObject;
  readonly config: string;
  /** Newer checkpoints that were passed over, each with the reason in one line. Tell the user. */
  readonly damaged: readonly { readonly folder: string; readonly reason: string }[];
}

/**
 * Saves a checkpoint, all or nothing: written beside, synced, renamed, read again and compared; only then does
 * `latest` point to it, and only then are older ones removed. One of the same step is replaced. One save at a time.
 * @throws UserError when the disk refuses or returns other bytes than were written; older checkpoints then stay.
 */
export async function saveCheckpoint(
  runDir: string,
  content: CheckpointContent,
  retention: Retention = { last: 2 },
): Promise<CheckpointPlace> {
  const { step } = content;
  assert(Number.isSafeInteger(step) && step >= 0, `a checkpoint's step is a count, not ${step}`);
  assert(retention.last >= 2, `at least two checkpoints are kept, not ${retention.last}`);
  const parent = checkpointsOf(runDir);
  const folder = join(parent, folderName(step));
  let seal = "";
  await writeFolderAtomic(
    folder,
    async (beside) => {
      seal = encodeManifest({ step, files: await writeParts(beside, content) });
      await writeNewFile(join(beside, manifestName), seal);
    },
    { replace: true },
  );
  const onDisk = await verifyCheckpoint(folder);
  if (encodeManifest(onDisk) !== seal)
    throw new UserError(folder, "the disk returned another manifest than was written");
  await writeFileAtomic(join(parent, "latest"), `${folderName(step)}\n`);
  await prune(runDir, step, retention);
  return { step, folder };
}

/**
 * Loads the checkpoint that `latest` names or, when that is damaged, the newest sound one before it; given a
 * checkpoint's own folder, that one. Only the parts in `which` are read; what is read is compared with its hash.
 * @throws UserError when there is none, or none is sound; it names every bad file.
 */
export async function loadCheckpoint<Part extends CheckpointPart>(
  dir: string,
  options: { readonly which: readonly Part[] },
): Promise<LoadedCheckpoint<Part>> {
  if ((await namesIn(dir)).includes(manifestName))
    return { ...(await readCheckpoint(dir, options.which)), damaged: [] };
  const candidates = await inOrderOfTrust(dir);
  if (candidates.length === 0) {
    throw new UserError(dir, {
      expected: "a run with a checkpoint",
      got: "none",
      try: "a folder made by kinema train",
    });
  }
  const damaged: { folder: string; reason: string }[] = [];
  for (const { folder } of candidates) {
    try {
      return { ...(await readCheckpoint(folder, options.which)), damaged };
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ folder, reason: error.message });
    }
  }
  throw new UserError(dir, { expected: "a sound checkpoint", got: damaged.map(({ reason }) => reason).join("; ") });
}

/** A run's checkpoints by step, oldest first, sound or not; none when it has not saved yet. */
export async function listCheckpoints(runDir: string): Promise<CheckpointPlace[]> {
  const parent = checkpointsOf(runDir);
  const places = (await namesIn(parent)).flatMap((name) => {
    const step = stepOf(name);
    return step === undefined ? [] : [{ step, folder: join(parent, name) }];
  });
  return places.sort((a, b) => a.step - b.step);
}

async function writeParts(folder: string, content: CheckpointContent): Promise<Record<string, FileSeal>> {
  const files: Record<string, FileSeal> = {};
  for (const [part, tensors] of Object.entries(content.tensors)) {
    const name = `${part}.safetensors`;
    files[name] = await writeSafetensors(
      join(folder, name),
      tensors,
      { part, step: String(content.step) },
      writeNewFile,
    );
  }
  const texts = { "state.json": `${canonicalJson(content.state)}\n`, "config.yaml": content.config };
  for (const [name, text] of Object.entries(texts)) {
    const bytes = Buffer.from(text);
    await writeNewFile(join(folder, name), bytes);
    files[name] = sealOfBytes(bytes);
  }
  return files;
}

async function readCheckpoint<Part extends CheckpointPart>(
  folder: string,
  which: readonly Part[],
): Promise<Omit<LoadedCheckpoint<Part>, "damaged">> {
  const manifest = await readManifest(folder);
  const { step } = manifest;
  if (step !== (stepOf(basename(folder)) ?? step)) throw new UserError(folder, `its manifest is that of step ${step}`);
  const state = parseJsonObject(await readSealed(folder, manifest, "state.json"), join(folder, "state.json"));
  const config = await readSealed(folder, manifest, "config.yaml");
  const tensors: Partial<Record<Part, NamedTensors>> = {};
  for (const part of which) {
    const name = `${part}.safetensors`;
    const expected = sealOf(manifest, folder, name);
    const file = await readSafetensors(join(folder, name));
    checkSeal(join(folder, name), expected, file);
    tensors[part] = file.tensors;
  }
  return { step, folder, tensors: tensors as Record<Part, NamedTensors>, state, config };
}

async function readSealed(folder: string, manifest: CheckpointManifest, name: string): Promise<string> {
  const bytes = await fs.readFile(join(folder, name));
  checkSeal(join(folder, name), sealOf(manifest, folder, name), sealOfBytes(bytes));
  return bytes.toString("utf8");
}

/** What `latest` names, then the ones before it, newest first; last the ones after it, which were never confirmed. */
async function inOrderOfTrust(runDir: string): Promise<CheckpointPlace[]> {
  const newestFirst = (await listCheckpoints(runDir)).reverse();
  const latest = await fs.readFile(join(checkpointsOf(runDir), "latest"), "utf8").catch(() => "");
  const confirmed = stepOf(latest.trim()) ?? Number.POSITIVE_INFINITY;
  const [upTo, after] = [
    newestFirst.filter((at) => at.step <= confirmed),
    newestFirst.filter((at) => at.step > confirmed),
  ];
  return [...upTo, ...after];
}

/** Removes sound checkpoints that retention does not keep. Those of a later step belong to an abandoned future. */
async function prune(runDir: string, step: number, { last, every }: Retention): Promise<void> {
  const upToNow = (await listCheckpoints(runDir)).filter((place) => place.step <= step);
  const whole = await Promise.all(upToNow.map(({ folder }) => looksWhole(folder)));
  const sound = upToNow.filter((_, i) => whole[i]);
  for (const { step: old, folder } of sound.slice(0, -last)) {
    if (every === undefined || old % every !== 0) await removeFolder(folder);
  }
}

/** A bug or a lack of memory is none. */
function isDamage(error: unknown): error is Error {
  return error instanceof UserError || errorCode(error) !== undefined;
}

function checkpointsOf(runDir: string): string {
  return join(runDir, "checkpoints");
}

function folderName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

function stepOf(name: string): number | undefined {
  const [, digits] = /^step-(\d{8,15})$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
