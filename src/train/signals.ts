import { Interrupted } from "../base/errors.ts";

/** Exit codes of a run that a signal ended, as shells report them. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

type Signal = keyof typeof EXIT_CODES;

/** Listens for SIGINT and SIGTERM. The first asks for an orderly stop, the second ends the process at once. */
export class StopSignal {
  /** Aborts at the first signal, with `Interrupted` as its reason. */
  readonly aborts: AbortSignal;
  private readonly controller = new AbortController();
  private signal: Signal | undefined;
  private readonly listeners: readonly (readonly [Signal, () => void])[];

  constructor() {
    this.aborts = this.controller.signal;
    this.listeners = (Object.keys(EXIT_CODES) as Signal[]).map(
      (signal) => [signal, () => this.receive(signal)] as const,
    );
    for (const [signal, listener] of this.listeners) process.on(signal, listener);
  }

  /** The exit code to end with, or undefined while no signal has come. */
  get exitCode(): number | undefined {
    return this.signal === undefined ? undefined : EXIT_CODES[this.signal];
  }

  /** Stops listening. */
  dispose(): void {
    for (const [signal, listener] of this.listeners) process.off(signal, listener);
  }

  private receive(signal: Signal): void {
    if (this.signal !== undefined) process.exit(EXIT_CODES[signal]);
    this.signal = signal;
    this.controller.abort(new Interrupted(EXIT_CODES[signal], `stopped by ${signal}`));
  }
}
