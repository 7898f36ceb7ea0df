/** How two checkpoints differ. */
import { join } from "node:path";
import { type JsonObject, parseJsonObject } from "../base/json.ts";
import { readSafetensors } from "../base/safetensorsFile.ts";
import type { HostTensor } from "../base/tensors.ts";
import { checkpointFolder } from "./checkpoint.ts";
import { readSealedText, verifyCheckpoint } from "./checkpointManifest.ts";
import { type Difference, differences } from "./runIdentity.ts";

export interface CheckpointDiff {
  readonly folders: readonly [string, string];
  readonly steps: readonly [number, number];
  readonly config: readonly Difference[];
  readonly state: readonly Difference[];
  readonly tensors: readonly TensorDifference[];
  /** Tensors that are the same in both, to the bit. */
  readonly numSame: number;
}

/** A tensor that is not the same. */
export interface TensorDifference {
  readonly part: string;
  readonly name: string;
  /** `values`: same shape and type, other numbers. Else it stands in one of the two only, or is of another shape or type. */
  readonly what: "values" | "first only" | "second only" | "shape or type";
  /** Largest |a - b|; infinite where one alone is not finite. Null unless `what` is `values`. */
  readonly maxAbs: number | null;
  /** Largest |a - b| / max(|a|, |b|), in [0, 2]; infinite where one alone is not finite. Null unless `what` is `values`. */
  readonly maxRelative: number | null;
}

/**
 * Compares two checkpoints, or the newest ones of runs. Both are verified first.
 * @param parseConfig reads the text of a config.yaml. @throws UserError when one is missing or damaged.
 */
export async function compareCheckpoints(
  first: string,
  second: string,
  parseConfig: (text: string, file: string) => JsonObject,
): Promise<CheckpointDiff> {
  const a = await open(first, parseConfig);
  const b = await open(second, parseConfig);
  const files = [...new Set([...a.tensorFiles, ...b.tensorFiles])].sort();
  const tensors: TensorDifference[] = [];
  let numSame = 0;
  for (const file of files) {
    const [one, other] = [await tensorsOf(a, file), await tensorsOf(b, file)];
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const difference = compareTensors(one[name], other[name]);
      if (difference === undefined) numSame++;
      else tensors.push({ part: file.slice(0, -TENSORS.length), name, ...difference });
    }
  }
  return {
    folders: [a.folder, b.folder],
    steps: [a.step, b.step],
    config: differences(a.config, b.config),
    state: differences(a.state, b.state),
    tensors,
    numSame,
  };
}

const TENSORS = ".safetensors";

interface Opened {
  readonly folder: string;
  readonly step: number;
  readonly config: JsonObject;
  readonly state: JsonObject;
  readonly tensorFiles: readonly string[];
}

async function open(dir: string, parseConfig: (text: string, file: string) => JsonObject): Promise<Opened> {
  const folder = await checkpointFolder(dir);
  const manifest = await verifyCheckpoint(folder);
  const text = (name: string): Promise<string> => readSealedText(folder, manifest, name);
  return {
    folder,
    step: manifest.step,
    config: parseConfig(await text("config.yaml"), join(folder, "config.yaml")),
    state: parseJsonObject(await text("state.json"), join(folder, "state.json")),
    tensorFiles: Object.keys(manifest.files).filter((name) => name.endsWith(TENSORS)),
  };
}

async function tensorsOf({ folder, tensorFiles }: Opened, file: string): Promise<Record<string, HostTensor>> {
  return tensorFiles.includes(file) ? { ...(await readSafetensors(join(folder, file))).tensors } : {};
}

function compareTensors(
  one: HostTensor | undefined,
  other: HostTensor | undefined,
): Omit<TensorDifference, "part" | "name"> | undefined {
  if (one === undefined || other === undefined) {
    return { what: one === undefined ? "second only" : "first only", maxAbs: null, maxRelative: null };
  }
  if (one.dtype !== other.dtype || one.shape.join() !== other.shape.join()) {
    return { what: "shape or type", maxAbs: null, maxRelative: null };
  }
  if (bytesOf(one).equals(bytesOf(other))) return undefined;
  let [maxAbs, maxRelative] = [0, 0];
  one.data.forEach((x, i) => {
    const y = other.data[i] as number;
    if (Object.is(x, y) || x === y) return;
    const areFinite = Number.isFinite(x) && Number.isFinite(y);
    const abs = areFinite ? Math.abs(x - y) : Number.POSITIVE_INFINITY;
    maxAbs = Math.max(maxAbs, abs);
    maxRelative = Math.max(maxRelative, areFinite ? abs / Math.max(Math.abs(x), Math.abs(y)) : abs);
  });
  return { what: "values", maxAbs, maxRelative };
}

function bytesOf({ data }: HostTensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
