/** Guards one binding: lets a single run at a time through and none once it is closed; names the program in errors. */
export class Exclusive {
  private readonly program: string;
  private running: Promise<void> | undefined;
  private closed = false;

  constructor(program: string) {
    this.program = program;
  }

  /** Does `work`. @throws Error when other work is under way or the guard is closed; work's own errors, named. */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.closed) throw new Error(`${this.program}: this binding was disposed`);
    if (this.running !== undefined) throw new Error(`${this.program}: this binding is running; wait for it`);
    try {
      this.running = work();
      await this.running;
    } catch (error) {
      throw inProgram(this.program, error);
    } finally {
      this.running = undefined;
    }
  }

  /** Closes, and calls `free` the first time. @throws Error when work is under way. */
  close(free: () => void): void {
    if (this.running !== undefined) throw new Error(`${this.program}: this binding is running; wait for it`);
    if (!this.closed) free();
    this.closed = true;
  }

  /** Resolves when no work is under way, however it ended. */
  async idle(): Promise<void> {
    await this.running?.catch(() => undefined);
  }
}

/** The same error with the program's name in front, once. */
export function inProgram(program: string, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return message.startsWith(`${program}: `) && error instanceof Error ? error : new Error(`${program}: ${message}`);
}
