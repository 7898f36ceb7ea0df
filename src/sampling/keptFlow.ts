import { type Grid, gridKey } from "../base/grid.ts";
import type { TrainedDiT } from "./denoiser.ts";
import { Flow, type FlowConfig } from "./flow.ts";

/** The flow that was used last, kept for the next call: compiling one costs as much as several steps. */
export class KeptFlow {
  private readonly trained: TrainedDiT;
  private readonly cfg: FlowConfig;
  private kept: { readonly key: string; readonly flow: Flow } | undefined;

  constructor(trained: TrainedDiT, cfg: FlowConfig) {
    this.trained = trained;
    this.cfg = cfg;
  }

  /** The flow of these grids of tokens: the kept one, or a new one in its place. It belongs to the keeper. */
  async of(grids: readonly Grid[]): Promise<Flow> {
    const key = grids.map(gridKey).join();
    if (this.kept?.key === key) return this.kept.flow;
    await this.dispose();
    const flow = await Flow.create(this.trained, grids, this.cfg);
    this.kept = { key, flow };
    return flow;
  }

  /** Frees the flow. */
  async dispose(): Promise<void> {
    const { kept } = this;
    this.kept = undefined;
    await kept?.flow.dispose();
  }
}
