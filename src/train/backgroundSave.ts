/**
 * Saves that run while training goes on, one at a time. A save that failed is told at the next call, whichever that is:
 * the run must not go on in the belief that it is safe.
 */
export class BackgroundSave<Content> {
  private readonly save: (content: Content) => Promise<void>;
  private underWay: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;

  constructor(save: (content: Content) => Promise<void>) {
    this.save = save;
  }

  /** Begins a save, once the one before is done. The content must not change until the next call of `settled`. */
  async begin(content: Content): Promise<void> {
    await this.settled();
    this.underWay = this.save(content).catch((error: unknown) => {
      this.failure = { error };
    });
  }

  /** Waits for the save that is under way. @throws what it threw. */
  async settled(): Promise<void> {
    await this.underWay;
    this.check();
  }

  /** @throws what the last save threw, if it is over and has failed. */
  check(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure.error;
  }
}
