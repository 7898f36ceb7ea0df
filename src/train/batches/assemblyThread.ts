/** A worker thread that assembles batches, one at a time. Nothing here may import what computes: it starts quickly. */
import { parentPort, workerData } from "node:worker_threads";
import { toRecord } from "../../base/errorRecord.ts";
import { assert } from "../../base/errors.ts";
import { DamagedRow } from "../../data/shards/damagedRow.ts";
import { RowStores } from "../../data/shards/rowStores.ts";
import { createAssembler } from "./assembler.ts";
import type { ThreadMessage, ThreadRequest, ThreadSettings } from "./threadMessages.ts";

assert(parentPort !== null, "this file is the start of a worker thread");
const port = parentPort;
const { assembly, stores }: ThreadSettings = workerData;
const tell = (message: ThreadMessage): void => port.postMessage(message);
const rows = RowStores.open(stores, (store, shard) => tell({ kind: "bad shard", store, shard }));
const assembler = createAssembler(assembly, rows);

async function answer({ order, tensors }: ThreadRequest): Promise<ThreadMessage> {
  try {
    await assembler.fill(order, tensors);
    return { kind: "done" };
  } catch (error) {
    if (!(error instanceof DamagedRow)) return { kind: "failed", error: toRecord(error) };
    const { dir, entry, file, reason } = error;
    return { kind: "damaged", dir, entry, file, reason };
  }
}

port.on("message", (request: ThreadRequest) => {
  void answer(request).then(tell);
});
