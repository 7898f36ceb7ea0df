/** Does one piece of work at a time, in the order of asking. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** Does `work` when all earlier work has ended, well or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work);
    this.last = result.catch(() => undefined);
    return result;
  }
}
