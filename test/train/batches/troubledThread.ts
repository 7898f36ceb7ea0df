/** A thread for tests: it fills nothing, and at the step it was told something goes wrong. */
import { parentPort, workerData } from "node:worker_threads";
import { toRecord } from "../../../src/base/errorRecord.ts";
import { UserError } from "../../../src/base/errors.ts";
import type { ThreadRequest } from "../../../src/train/batches/threadMessages.ts";

const { trouble, atStep } = workerData as { trouble: string; atStep: number };

parentPort?.on("message", ({ order, tensors }: ThreadRequest) => {
  for (const { data } of Object.values(tensors)) data.fill(0.5);
  if (order.step !== atStep) {
    parentPort?.postMessage({ kind: "done" });
    return;
  }
  if (trouble === "refusal") {
    const error = toRecord(new UserError("data/x", { expected: "a row", got: "none" }));
    parentPort?.postMessage({ kind: "failed", error });
  }
  if (trouble === "exit") process.exit(3);
  if (trouble === "throw") throw new Error("a bug");
  if (trouble === "memory") {
    const held: number[][] = [];
    for (;;) held.push(Array.from({ length: 100_000 }, (_, i) => i + held.length));
  }
});
