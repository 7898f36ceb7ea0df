import type { RowStores } from "../../data/shards/rowStores.ts";
import type { HostMap } from "../../engine/engine.ts";
import { ClipsAssembler, type ClipsAssembly } from "./clipsAssembler.ts";
import type { BatchOrder } from "./order.ts";
import { PackAssembler, type PackAssembly } from "./packAssembler.ts";

/** Makes the tensors of batches. What it writes is a function of the order and of the stored rows alone. */
export interface Assembler {
  /** Fills the tensors of a batch, which have its arrangement's shapes. One batch at a time. */
  fill(order: BatchOrder, tensors: HostMap): Promise<void>;
}

/** An assembler with threads or files of its own. */
export interface OpenAssembler extends Assembler {
  close(): Promise<void>;
}

/** What an assembler is made of beside the stores, as a plain value that can go to another thread. */
export type Assembly = PackAssembly | ClipsAssembly;

export function createAssembler(assembly: Assembly, stores: RowStores): Assembler {
  return assembly.kind === "pack" ? new PackAssembler(assembly, stores) : new ClipsAssembler(assembly, stores);
}
