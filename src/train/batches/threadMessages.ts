import type { ErrorRecord } from "../../base/errorRecord.ts";
import type { DamagedRow } from "../../data/shards/damagedRow.ts";
import type { StoreSpec } from "../../data/shards/reader.ts";
import type { BadShard } from "../../data/shards/shardFiles.ts";
import type { HostMap } from "../../engine/engine.ts";
import type { Assembly } from "./assembler.ts";
import type { BatchOrder } from "./order.ts";

/** What a thread is started with. */
export interface ThreadSettings {
  readonly assembly: Assembly;
  readonly stores: readonly StoreSpec[];
}

/** A batch to assemble. The tensors lie in shared memory: what the thread writes is what the sender sees. */
export interface ThreadRequest {
  readonly order: BatchOrder;
  readonly tensors: HostMap;
}

/** The answer to each request, in order; between them notes of shards that are not as they should be. */
export type ThreadMessage =
  | { readonly kind: "done" }
  | ({ readonly kind: "damaged" } & Pick<DamagedRow, "dir" | "entry" | "file" | "reason">)
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  | { readonly kind: "bad shard"; readonly store: number; readonly shard: BadShard };
