/** What a one-line error tells: where it is, what was expected, what came, and what to try. */
export interface Complaint {
  readonly expected: string;
  readonly got: string;
  readonly try?: string;
}

/** A mistake in what the user gave (config, file, flag). The command line prints its one line and exits with code 2. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly where: string;
  /** The message after `where`. */
  readonly complaint: string;

  /** @param where the key, file or flag at fault, e.g. `dit.blocks.3.attn` or `configs/tiny.yaml:4:3 data.fps`. */
  constructor(where: string, complaint: Complaint | string) {
    const text = typeof complaint === "string" ? complaint : sentence(complaint);
    super(`${where}: ${text}`);
    this.where = where;
    this.complaint = text;
  }
}

function sentence({ expected, got, try: hint }: Complaint): string {
  return `expected ${expected}, got ${got}${hint === undefined ? "" : `; try ${hint}`}`;
}

/** Work that the user ended early by a signal, in good order. The command line prints its one line. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** 130 after SIGINT, 143 after SIGTERM. */
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Checks an invariant of our own code. @throws Error when it does not hold: that is a bug, not a user's mistake. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${what}`);
}
