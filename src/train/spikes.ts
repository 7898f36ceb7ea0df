/** Finds losses that stand out from the ones before. */
export class SpikeWatch {
  private readonly sigmas: number;
  private readonly window: number;
  private recent: readonly number[];

  /**
   * @param sigmas standard deviations over the mean that make a spike; 0 looks for none and keeps no losses.
   * @param window losses that it looks back on; before there are so many, nothing is a spike.
   * @param recent what a checkpoint kept.
   */
  constructor(sigmas: number, window: number, recent: readonly number[]) {
    this.sigmas = sigmas;
    this.window = window;
    this.recent = sigmas > 0 ? recent.slice(-window) : [];
  }

  /** The losses that it looks back on, oldest first. */
  get losses(): readonly number[] {
    return this.recent;
  }

  /** Takes in the loss of a step that was applied. */
  add(loss: number): void {
    if (this.sigmas > 0) this.recent = [...this.recent, loss].slice(-this.window);
  }

  /** What a loss above is a spike; infinite while nothing is. */
  get limit(): number {
    const { recent, window, sigmas } = this;
    if (sigmas === 0 || recent.length < window) return Number.POSITIVE_INFINITY;
    const mean = recent.reduce((sum, loss) => sum + loss, 0) / window;
    const variance = recent.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / window;
    return mean + sigmas * Math.sqrt(variance);
  }
}
