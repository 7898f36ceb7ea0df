/** What a checkpoint holds, and whether it is what was written. */
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { readSafetensors } from "../base/safetensorsFile.ts";
import type { DType } from "../base/tensors.ts";
import { checkpointFolder } from "./checkpoint.ts";
import { readManifest, verifyFile } from "./checkpointManifest.ts";

export interface CheckpointContents {
  readonly folder: string;
  readonly step: number;
  /** What it was found to be worth, by the names of logged losses. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly files: readonly ListedFile[];
  /** Those of sound files. */
  readonly tensors: readonly ListedTensor[];
}

export interface ListedFile {
  readonly name: string;
  /** As the manifest has it. */
  readonly bytes: number;
  /** What is wrong with the file, in one line; null when it is what was written. */
  readonly damage: string | null;
}

export interface ListedTensor {
  /** The file's name without its ending: model, ema, optimizer. */
  readonly part: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** SHA-256 of its bytes, little-endian. */
  readonly sha256: string;
}

/**
 * Reads a checkpoint from end to end, or the newest of a run. One part is in memory at a time.
 * @throws UserError when there is none, or its manifest is damaged.
 */
export async function readContents(dir: string): Promise<CheckpointContents> {
  const folder = await checkpointFolder(dir);
  const { step, metrics, files: seals } = await readManifest(folder);
  const files: ListedFile[] = [];
  const tensors: ListedTensor[] = [];
  for (const [name, seal] of Object.entries(seals)) {
    const damage = await damageOf(() => verifyFile(folder, name, seal));
    files.push({ name, bytes: seal.bytes, damage });
    if (damage === null && name.endsWith(TENSORS)) tensors.push(...(await listTensors(join(folder, name), name)));
  }
  return { folder, step, metrics, files, tensors };
}

const TENSORS = ".safetensors";

async function listTensors(path: string, file: string): Promise<ListedTensor[]> {
  const { tensors } = await readSafetensors(path);
  return Object.entries(tensors).map(([name, { shape, dtype, data }]) => ({
    part: file.slice(0, -TENSORS.length),
    name,
    shape,
    dtype,
    sha256: sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  }));
}

async function damageOf(verify: () => Promise<void>): Promise<string | null> {
  try {
    await verify();
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.complaint;
    throw error;
  }
}
