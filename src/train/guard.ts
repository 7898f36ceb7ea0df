import { UserError } from "../base/errors.ts";
import type { TrainConfig } from "./loopConfig.ts";
import type { LoopState } from "./loopState.ts";
import { SpikeWatch } from "./spikes.ts";
import type { StepReport } from "./step.ts";

/**
 * Counts the steps that were left out, and says when a run should go back to a checkpoint or end. A step that is left
 * out counts as a step: the learning rate goes on, weights, averages and moments do not change.
 */
export class Guard {
  private readonly train: TrainConfig;
  private readonly spikes: SpikeWatch;
  private skipped: number;
  private badSteps: number;
  private rollbacks: number;

  /** @param state what a checkpoint kept. */
  constructor(train: TrainConfig, state: LoopState) {
    this.train = train;
    this.spikes = new SpikeWatch(train.spikeSigma, train.spikeWindow, state.recentLosses);
    this.skipped = state.skipped;
    this.badSteps = state.badSteps;
    this.rollbacks = state.rollbacks;
  }

  /** What a checkpoint keeps. */
  get state(): Pick<LoopState, "skipped" | "badSteps" | "rollbacks" | "recentLosses"> {
    const { skipped, badSteps, rollbacks } = this;
    return { skipped, badSteps, rollbacks, recentLosses: this.spikes.losses };
  }

  /** The largest loss that is no spike. */
  get maxLoss(): number {
    return this.spikes.limit;
  }

  /** Takes in a step. @returns why it was left out, or undefined when it was applied. */
  take({ applied, loss, gradNorm }: StepReport): string | undefined {
    if (applied) {
      this.badSteps = 0;
      this.spikes.add(loss);
      return undefined;
    }
    this.skipped++;
    this.badSteps++;
    if (!Number.isFinite(loss)) return `its loss is ${loss}`;
    if (!Number.isFinite(gradNorm)) return `the norm of its gradient is ${gradNorm}`;
    return `its loss ${figure(loss)} is a spike: over ${figure(this.maxLoss)}`;
  }

  /** Counts a step that was left out for no fault of data or weights. */
  leaveOut(): void {
    this.skipped++;
  }

  /** True when too many steps in a row were left out. */
  get mustGoBack(): boolean {
    return this.badSteps >= this.train.maxBadSteps;
  }

  /**
   * Counts a way back to a checkpoint, whose losses are looked back on from now on.
   * @throws UserError when the run went back too often already.
   */
  goBack(step: number, { loss, gradNorm }: StepReport): void {
    const { badSteps, rollbacks } = this;
    if (rollbacks >= this.train.maxRollbacks) {
      const before = rollbacks === 0 ? "" : `, after the run went back ${rollbacks} times`;
      throw new UserError(`step ${step}`, {
        expected: "a finite loss and gradient",
        got: `${badSteps} steps in a row without (loss ${loss}, gradient norm ${gradNorm})${before}`,
        try: "a lower optim.lr or more optim.warmupSteps",
      });
    }
    this.rollbacks++;
    this.badSteps = 0;
  }

  /** The guard of a run that went back to a checkpoint: its counts go on, the losses it looks back on are the checkpoint's. */
  backAt(state: LoopState): Guard {
    const { skipped, badSteps, rollbacks } = this;
    return new Guard(this.train, { ...state, skipped, badSteps, rollbacks });
  }
}

function figure(value: number): string {
  return value.toPrecision(4);
}
