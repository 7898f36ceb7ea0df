import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { frame } from "../../src/report/eventFile.ts";
import { TensorBoardWriter } from "../../src/report/tensorboard.ts";

describe("TensorBoardWriter", () => {
  let root: string;
  beforeEach(async () => {
    root = await fs.mkdtemp(join(tmpdir(), "kinema-tensorboard-"));
  });
  afterEach(() => fs.rm(root, { recursive: true, force: true }));

  it("writes the bytes that TensorBoard's own messages and frames give", async () => {
    const writer = new TensorBoardWriter(join(root, "tb"), { now: () => 1700000000500, resumeStep: 7 });
    writer.scalars({ "loss/train": 0.1, lr: Number.NaN }, 8);
    writer.histogram("gradients", Float32Array.of(0.25, -1, Number.NaN, 2, 0.25, Number.NEGATIVE_INFINITY), 9);
    writer.text("note", "**größer**", 10);
    writer.image("samples", { bytes: Buffer.from("GIF89a..."), width: 3, height: 2 }, 2 ** 40);
    // One setting in the session: the order of a protobuf map's entries is free.
    writer.hparams({ engine: "onnx" }, ["loss/train"]);
    await writer.close();
    const written = await fs.readFile(writer.path);
    assert.deepEqual(
      written,
      await fs.readFile(fileURLToPath(new URL("../goldens/tensorboard/events", import.meta.url))),
    );
  });

  it("frames records as a plain CRC-32C says", () => {
    const record = Buffer.from("123456789");
    assert.equal(slowCrc32c(record), 0xe3069283); // The check value of CRC-32C, RFC 3720 appendix B.4.
    const framed = Buffer.from(frame(record));
    assert.equal(framed.readBigUInt64LE(0), 9n);
    assert.equal(framed.readUInt32LE(8), masked(slowCrc32c(framed.subarray(0, 8))));
    assert.equal(framed.readUInt32LE(12 + 9), masked(slowCrc32c(record)));
    assert.equal(framed.length, 25);
  });

  it("has everything in the file after flush, in order, whatever the size", async () => {
    const writer = new TensorBoardWriter(root);
    const text = "x".repeat(40_000);
    for (let step = 0; step < 20; step += 1) writer.text("note", `${step} ${text}`, step);
    await writer.flush();
    writer.scalar("last", 1, 21);
    await writer.close();
    const bytes = await fs.readFile(writer.path);
    const notes = [...bytes.toString("latin1").matchAll(/(\d+) x{40000}/g)].map(([, step]) => Number(step));
    assert.deepEqual(
      notes,
      Array.from({ length: 20 }, (_, i) => i),
    );
    assert.equal(bytes.subarray(-200).includes("last"), true);
  });

  it("writes by itself after a while", async () => {
    const writer = new TensorBoardWriter(root);
    writer.scalar("a", 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 2_300));
    assert.equal((await fs.readFile(writer.path)).includes("a"), true);
  });

  it("two writers of one process and second have two files", async () => {
    const writers = [1, 2].map(() => new TensorBoardWriter(root, { now: () => 0 }));
    assert.notEqual(writers[0]?.path, writers[1]?.path);
  });

  it("a disk that fails is told once and never throws", async () => {
    await fs.writeFile(join(root, "tb"), "a file where the folder should be");
    const told: string[] = [];
    const writer = new TensorBoardWriter(join(root, "tb"), { onFailure: (reason) => told.push(reason) });
    for (let step = 0; step < 3; step += 1) {
      writer.scalar("loss", 1, step);
      await writer.flush();
    }
    await writer.close();
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /tb.*: no more events are written: ENOTDIR|EEXIST/);
  });

  it("an event that cannot be written is told and left out", async () => {
    const told: string[] = [];
    const writer = new TensorBoardWriter(root, { onFailure: (reason) => told.push(reason) });
    writer.scalar("bad", 1, Number.NaN);
    writer.scalar("worse", 1, 0.5);
    writer.scalar("good", 1, 1);
    await writer.close();
    assert.equal(told.length, 1);
    const bytes = await fs.readFile(writer.path);
    assert.deepEqual([bytes.includes("bad"), bytes.includes("worse"), bytes.includes("good")], [false, false, true]);
  });
});

/** Bit by bit, from the polynomial. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function masked(crc: number): number {
  const rotated = ((BigInt(crc) >> 15n) | (BigInt(crc) << 17n)) & 0xffffffffn;
  return Number((rotated + 0xa282ead8n) & 0xffffffffn);
}
