/** Damages the newest checkpoint of a run in many ways; each must be found, named, and passed over. */
import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyedRandom } from "../../src/base/random.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import { contentOf } from "../train/checkpointContent.ts";

const FILES = ["model.safetensors", "ema.safetensors", "optimizer.safetensors"] as const;
const OTHERS = ["manifest.json", "state.json", "config.yaml"] as const;

export interface DamageReport {
  readonly headerBytes: number;
  readonly dataBytes: number;
  readonly truncations: number;
}

/** @param flips data bytes that are flipped, one at a time. @throws AssertionError when one is not found. */
export async function damageAndLoad(flips: number, truncations: number, seed: number): Promise<DamageReport> {
  const run = await fs.mkdtemp(join(tmpdir(), "kinema-damage-"));
  try {
    await saveCheckpoint(run, contentOf(1));
    const { folder } = await saveCheckpoint(run, contentOf(2));
    const good = new Map<string, Buffer>();
    for (const name of [...FILES, ...OTHERS]) good.set(name, await fs.readFile(join(folder, name)));
    const bytesOf = (name: string) => good.get(name) as Buffer;
    const headerEnd = (name: string) => 8 + Number(bytesOf(name).readBigUInt64LE(0));

    const isFound = async (name: string, bytes: Uint8Array, what: string) => {
      await fs.writeFile(join(folder, name), bytes);
      const { step, damaged, tensors } = await loadCheckpoint(run, { which: ["model", "ema", "optimizer"] });
      assert.deepEqual([step, damaged.length], [1, 1], `${name} ${what} was not found`);
      assert.ok(damaged[0]?.reason.includes(name), `${name} ${what}: ${damaged[0]?.reason}`);
      assert.deepEqual(tensors, contentOf(1).tensors);
      await fs.writeFile(join(folder, name), bytesOf(name));
    };
    const flip = (name: string, at: number, bit: number) => {
      const bytes = Uint8Array.from(bytesOf(name));
      bytes[at] = (bytes[at] as number) ^ (1 << bit);
      return isFound(name, bytes, `with bit ${bit} of byte ${at} flipped`);
    };

    let headerBytes = 0;
    for (const name of FILES) {
      for (let at = 0; at < headerEnd(name); at++, headerBytes++) await flip(name, at, at % 8);
    }
    for (let i = 0; i < flips; i++) {
      const random = new KeyedRandom(seed, "flip", i);
      const name = FILES[i % FILES.length] as string;
      const [start, { length }] = [headerEnd(name), bytesOf(name)];
      await flip(name, start + random.int(length - start), random.int(8));
    }
    const names = [...FILES, ...OTHERS];
    for (let i = 0; i < truncations; i++) {
      const name = names[i % names.length] as string;
      // The manifest's last byte is a line feed, which says nothing.
      const most = bytesOf(name).length - (name === "manifest.json" ? 2 : 1);
      const length = new KeyedRandom(seed, "cut", i).int(most);
      await isFound(name, bytesOf(name).subarray(0, length), `cut to ${length} bytes`);
    }
    assert.equal((await loadCheckpoint(run, { which: ["model"] })).step, 2);
    return { headerBytes, dataBytes: flips, truncations };
  } finally {
    await fs.rm(run, { recursive: true, force: true });
  }
}
