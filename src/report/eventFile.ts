/**
 * An append-only file of TensorBoard events, in TFRecord frames: length, its checksum, the event, its checksum.
 * Nothing here throws: logging never stops a run. The first failure is told, once; after one of the disk, later events
 * are dropped.
 */
import fs from "node:fs/promises";
import { dirname } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { crc32c } from "@node-rs/crc32";
import { EventSchema } from "./tensorboard_pb.ts";

/** What an event tells. */
export type EventContent = NonNullable<MessageInitShape<typeof EventSchema>["what"]>;

/** Bytes that may wait in memory, and for how long. */
const waitingBytes = 64 << 10;
const waitingMs = 2_000;

export class EventFile {
  readonly path: string;
  private readonly onFailure: (reason: string) => void;
  private waiting: Uint8Array[] = [];
  private numWaiting = 0;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private told = false;
  private stopped = false;

  constructor(path: string, onFailure: (reason: string) => void) {
    this.path = path;
    this.onFailure = onFailure;
  }

  /** Adds one event. `wallTime` in seconds since 1970. */
  append(wallTime: number, step: number, what: EventContent): void {
    if (this.stopped) return;
    try {
      const record = frame(toBinary(EventSchema, create(EventSchema, { wallTime, step: BigInt(step), what })));
      this.waiting.push(record);
      this.numWaiting += record.length;
    } catch (error) {
      this.tell(`an event could not be encoded: ${String(error)}`);
      return;
    }
    if (this.numWaiting >= waitingBytes) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), waitingMs).unref();
  }

  /** Resolves when everything appended so far is in the file. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const records = this.waiting;
    this.waiting = [];
    this.numWaiting = 0;
    if (records.length > 0) this.writing = this.writing.then(() => this.write(records));
    return this.writing;
  }

  private async write(records: readonly Uint8Array[]): Promise<void> {
    if (this.stopped) return;
    try {
      await fs.mkdir(dirname(this.path), { recursive: true });
      await fs.appendFile(this.path, Buffer.concat(records));
    } catch (error) {
      this.stopped = true;
      this.tell(`no more events are written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private tell(reason: string): void {
    if (!this.told) this.onFailure(`${this.path}: ${reason}`);
    this.told = true;
  }
}

/** A TFRecord frame. Source: tensorflow/core/lib/io/record_writer.h. */
export function frame(record: Uint8Array): Uint8Array {
  const framed = new Uint8Array(record.length + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(record.length), true);
  view.setUint32(8, maskedCrc(framed.subarray(0, 8)), true);
  framed.set(record, 12);
  view.setUint32(12 + record.length, maskedCrc(record), true);
  return framed;
}

/** CRC-32C rotated and offset, as TFRecord wants it. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
