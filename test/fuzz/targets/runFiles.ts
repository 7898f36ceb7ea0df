import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc, { type Arbitrary } from "fast-check";
import { sha256OfJson } from "../../../src/base/hash.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "../../../src/base/json.ts";
import { readTextFile } from "../../../src/base/plainFile.ts";
import { readHistogram } from "../../../src/cli/inspect/histogramFile.ts";
import { readModelFacts } from "../../../src/cli/stages/modelFacts.ts";
import { type OrderState, readOrderState } from "../../../src/data/loader/orderState.ts";
import { encodeManifest, verifyCheckpoint } from "../../../src/train/checkpointManifest.ts";
import { refuseOtherRecipe } from "../../../src/train/runFolder.ts";
import { readRunLog } from "../../../src/train/runLog.ts";
import { readVaeFacts } from "../../../src/train/vaeFolder.ts";
import { jsonChanges } from "../jsonChanges.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

const tokens = ['"__proto__":1,', "[[[[", "{", "}", "]", '"', "-1", "1e999", "null", "\\u0000", "\n", '"../x"', "NaN"];

/** A target whose reader takes a JSON file of a folder. */
function fileTarget(
  scratch: string,
  name: string,
  file: string,
  seed: JsonObject | readonly JsonObject[],
  read: (folder: string) => unknown,
): FuzzTarget {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const changed = jsonChanges([seed]).map((json) => Buffer.from(JSON.stringify(json) ?? ""));
  return {
    name,
    runs: 20_000,
    slice: 300,
    inputs: fc.oneof(mutations([Buffer.from(JSON.stringify(seed, null, 2))], tokens), changed),
    read: (bytes) => {
      writeFileSync(join(folder, file), bytes);
      return read(folder);
    },
  };
}

/** manifest.json of a checkpoint, of which a part is sealed again after it was changed. */
export function openCheckpoint(scratch: string): FuzzTarget {
  const step = 7;
  const files = {
    "state.json": { bytes: 2, sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
  };
  const text = encodeManifest({ step, files, metrics: {} });
  const target = fileTarget(scratch, "checkpoint", "manifest.json", JSON.parse(text), verifyCheckpoint);
  writeFileSync(join(scratch, "checkpoint", "state.json"), "{}");
  return { ...target, runs: 100_000, slice: 1000, inputs: fc.oneof(target.inputs, sealed(JSON.parse(text))) };
}

function sealed(manifest: JsonObject): Arbitrary<Uint8Array> {
  const { seal: _, ...body } = manifest;
  return jsonChanges([body]).map((json) => {
    const again = isJsonObject(json) ? { ...json, seal: sha256OfJson(json) } : json;
    return Buffer.from(JSON.stringify(again) ?? "");
  });
}

/** The place in the order of clips that a checkpoint's state.json holds. */
export function openState(scratch: string): FuzzTarget {
  const present: OrderState = {
    packs: 9,
    plans: [{ key: "3x4x4+1x4x4", drawn: 9 }],
    queues: [{ kind: "3x4x4", source: 0, clips: 40, drawn: 18 }],
  };
  const state = JSON.parse(JSON.stringify(present));
  return fileTarget(scratch, "state", "state.json", state, (folder) =>
    readOrderState(parseJsonObject(readTextFile(join(folder, "state.json")), "state.json"), present),
  );
}

/** run.json of a run's folder. */
export function openRunFile(scratch: string): FuzzTarget {
  const identity = { data: { clips: 3, fingerprint: "ab" }, config: { train: { steps: 3 }, patch: [1, 2, 2] } };
  const seed = { identity, starts: [{ at: "2026-01-01", node: "v20" }] };
  return fileTarget(scratch, "run", "run.json", seed, (folder) =>
    refuseOtherRecipe(folder, { configYaml: "", identity }),
  );
}

/** data.json of a run's folder: what a model was trained on. */
export function openModelFacts(scratch: string): FuzzTarget {
  const seed = { fingerprints: ["ab"], grids: [{ frames: 5, height: 32, width: 48, count: 7 }], fps: 8 };
  return fileTarget(scratch, "data", "data.json", seed, readModelFacts);
}

/** vae.json of a trained VAE. */
export function openVae(scratch: string): FuzzTarget {
  const config = { kind: "causal-conv", latentChannels: 2, levels: [{ down: [4, 4], channels: 16, blocks: 1 }] };
  const statistics = { mean: [0, 0], std: [1, 1] };
  const seed = { config, statistics, sha256: "ab", heldOut: { psnr: 30, clips: 3 } };
  return fileTarget(scratch, "vae", "vae.json", seed, readVaeFacts);
}

/** The file of `kinema inspect plan --histogram`. */
export function openHistogram(scratch: string): FuzzTarget {
  const seed = [
    { frames: 5, height: 8, width: 8, count: 100 },
    { frames: 1, height: 4, width: 8, count: 0.5 },
  ];
  return fileTarget(scratch, "histogram", "h.json", seed, (folder) => readHistogram(join(folder, "h.json")));
}

/** log.jsonl of a run. Lines that are no records are passed over. */
export function openLog(scratch: string): FuzzTarget {
  const path = join(scratch, "log.jsonl");
  const lines = [
    { step: 1, loss: 0.5 },
    { step: 2, loss: "NaN", note: "x" },
    { step: 3, ok: true, none: null },
  ];
  const seed = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return {
    name: "log",
    runs: 20_000,
    slice: 300,
    inputs: mutations([seed], tokens),
    read: (bytes) => {
      writeFileSync(path, bytes);
      for (const { step } of readRunLog(path)) if (typeof step !== "number") throw new Error("a record without step");
    },
    close: async () => rmSync(path, { force: true }),
  };
}
