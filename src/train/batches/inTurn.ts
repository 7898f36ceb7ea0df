import type { HostMap } from "../../engine/engine.ts";
import type { Assembler, OpenAssembler } from "./assembler.ts";
import type { BatchOrder } from "./order.ts";

/** Assembles batches here, one after the other: the first that is asked for is the first to be ready. */
export class InTurn implements OpenAssembler {
  private readonly assembler: Assembler;
  private turn: Promise<void> = Promise.resolve();

  constructor(assembler: Assembler) {
    this.assembler = assembler;
  }

  fill(order: BatchOrder, tensors: HostMap): Promise<void> {
    const filled = this.turn.then(() => this.assembler.fill(order, tensors));
    this.turn = filled.catch(() => undefined);
    return filled;
  }

  async close(): Promise<void> {
    await this.turn;
  }
}
