/**
 * Checkpoints of a run: `checkpoints/step-00000120/` with one safetensors file per part, state.json, config.yaml and
 * manifest.json. `checkpoints/latest` names the newest one that was read again after writing and found sound.
 */
import { basename, join } from "node:path";
import { assert, UserError } from "../base/errors.ts";
import {
  errorCode,
  namesIn,
  removeFolder,
  resolveInside,
  writeFileAtomic,
  writeFolderAtomic,
  writeNewFile,
} from "../base/files.ts";
import { type FileSeal, sealOfBytes } from "../base/hash.ts";
import { canonicalJson, type JsonObject, parseJsonObject } from "../base/json.ts";
import { maxTextBytes, readTextFile } from "../base/plainFile.ts";
import { type NamedTensors, readSafetensors, writeSafetensors } from "../base/safetensorsFile.ts";
import {
  checkSeal,
  encodeManifest,
  looksWhole,
  manifestName,
  readManifest,
  readSealedText,
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
  /** What it is worth, by the names of logged losses; lower is better. Numbers that are not finite are left out. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Which checkpoints stay; all, where it is `all`. */
export interface Retention {
  /** So many of the newest, >= 2. */
  readonly last: number;
  /** And every one whose step is a multiple of this. */
  readonly every?: number;
  /** And the `count` ones with the lowest metric `by`, of equal ones the older. */
  readonly best?: { readonly count: number; readonly by: string };
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
  retention: Retention | "all" = { last: 2 },
): Promise<CheckpointPlace> {
  const { step } = content;
  assert(Number.isSafeInteger(step) && step >= 0, `a checkpoint's step is a count, not ${step}`);
  assert(retention === "all" || retention.last >= 2, "at least two checkpoints are kept");
  const parent = checkpointsOf(runDir);
  const folder = join(parent, folderName(step));
  let seal = "";
  await writeFolderAtomic(
    folder,
    async (beside) => {
      const metrics = Object.entries(content.metrics ?? {}).filter(([, value]) => Number.isFinite(value));
      const files = await writeParts(beside, content);
      seal = encodeManifest({ step, files, metrics: Object.fromEntries(metrics) });
      await writeNewFile(join(beside, manifestName), seal);
    },
    { replace: true },
  );
  const onDisk = await verifyCheckpoint(folder);
  if (encodeManifest(onDisk) !== seal)
    throw new UserError(folder, "the disk returned another manifest than was written");
  await writeFileAtomic(join(parent, "latest"), `${folderName(step)}\n`);
  if (retention !== "all") await prune(runDir, step, retention);
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
  const found = await findCheckpoint(dir, options);
  if (found !== undefined) return found;
  throw new UserError(dir, {
    expected: "a run with a checkpoint",
    got: "none",
    try: "a folder made by kinema train",
  });
}

/**
 * Loads a run's checkpoint as `loadCheckpoint` does, passing over those whose state is not accepted; undefined when
 * there is none. @throws UserError when there would be one, but none is sound.
 */
export async function findCheckpoint<Part extends CheckpointPart>(
  runDir: string,
  options: { readonly which: readonly Part[]; readonly accepts?: (state: JsonObject) => boolean },
): Promise<LoadedCheckpoint<Part> | undefined> {
  const { which, accepts = () => true } = options;
  const damaged: { folder: string; reason: string }[] = [];
  for (const { folder } of await inOrderOfTrust(runDir)) {
    try {
      const checkpoint = await readCheckpoint(folder, which, accepts);
      if (checkpoint !== undefined) return { ...checkpoint, damaged };
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ folder, reason: error.message });
    }
  }
  if (damaged.length === 0) return undefined;
  throw new UserError(runDir, { expected: "a sound checkpoint", got: damaged.map(({ reason }) => reason).join("; ") });
}

/**
 * The folder of a checkpoint, sound or not: the newest of a run, or the folder itself when it is a checkpoint's.
 * @throws UserError when it is neither.
 */
export async function checkpointFolder(dir: string): Promise<string> {
  if ((await namesIn(dir)).includes(manifestName)) return dir;
  const [newest] = await inOrderOfTrust(dir);
  if (newest !== undefined) return newest.folder;
  throw new UserError(dir, { expected: "a run with a checkpoint, or a checkpoint's folder", got: "neither" });
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
    assert(bytes.length <= maxTextBytes, `${name} can be read again`);
    await writeNewFile(join(folder, name), bytes);
    files[name] = sealOfBytes(bytes);
  }
  return files;
}

type Sound<Part extends CheckpointPart> = Omit<LoadedCheckpoint<Part>, "damaged">;

function readCheckpoint<Part extends CheckpointPart>(folder: string, which: readonly Part[]): Promise<Sound<Part>>;
function readCheckpoint<Part extends CheckpointPart>(
  folder: string,
  which: readonly Part[],
  accepts: (state: JsonObject) => boolean,
): Promise<Sound<Part> | undefined>;
async function readCheckpoint<Part extends CheckpointPart>(
  folder: string,
  which: readonly Part[],
  accepts: (state: JsonObject) => boolean = () => true,
): Promise<Sound<Part> | undefined> {
  const manifest = await readManifest(folder);
  const { step } = manifest;
  if (step !== (stepOf(basename(folder)) ?? step)) throw new UserError(folder, `its manifest is that of step ${step}`);
  const state = parseJsonObject(await readSealedText(folder, manifest, "state.json"), join(folder, "state.json"));
  if (!accepts(state)) return undefined;
  const config = await readSealedText(folder, manifest, "config.yaml");
  const tensors: Partial<Record<Part, NamedTensors>> = {};
  for (const part of which) {
    const name = `${part}.safetensors`;
    const expected = sealOf(manifest, folder, name);
    const file = await readSafetensors(await resolveInside(folder, name));
    checkSeal(join(folder, name), expected, file);
    tensors[part] = file.tensors;
  }
  return { step, folder, tensors: tensors as Record<Part, NamedTensors>, state, config };
}

/** What `latest` names, then the ones before it, newest first; last the ones after it, which were never confirmed. */
async function inOrderOfTrust(runDir: string): Promise<CheckpointPlace[]> {
  const newestFirst = (await listCheckpoints(runDir)).reverse();
  const confirmed = stepOf(confirmedName(runDir)) ?? Number.POSITIVE_INFINITY;
  const [upTo, after] = [
    newestFirst.filter((at) => at.step <= confirmed),
    newestFirst.filter((at) => at.step > confirmed),
  ];
  return [...upTo, ...after];
}

/** What `latest` names; nothing when it is not there or no text. */
function confirmedName(runDir: string): string {
  try {
    return readTextFile(join(checkpointsOf(runDir), "latest")).trim();
  } catch {
    return "";
  }
}

/** Removes sound checkpoints that retention does not keep. Those of a later step belong to an abandoned future. */
async function prune(runDir: string, step: number, { last, every, best }: Retention): Promise<void> {
  const upToNow = (await listCheckpoints(runDir)).filter((place) => place.step <= step);
  const whole = await Promise.all(upToNow.map(({ folder }) => looksWhole(folder)));
  const sound = upToNow.filter((_, i) => whole[i]);
  const stays = new Set(best === undefined ? [] : await bestOf(sound, best));
  for (const place of sound.slice(0, -last)) {
    const isNth = every !== undefined && place.step % every === 0;
    if (!isNth && !stays.has(place)) await removeFolder(place.folder);
  }
}

async function bestOf(
  places: readonly CheckpointPlace[],
  { count, by }: { readonly count: number; readonly by: string },
): Promise<CheckpointPlace[]> {
  const valued: { place: CheckpointPlace; value: number }[] = [];
  for (const place of places) {
    const { metrics } = await readManifest(place.folder);
    const value = Object.hasOwn(metrics, by) ? metrics[by] : undefined;
    if (value !== undefined) valued.push({ place, value });
  }
  return valued
    .sort((a, b) => a.value - b.value)
    .slice(0, count)
    .map(({ place }) => place);
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
