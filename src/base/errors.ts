/** What a one-line error tells: where it is, what was expected, what came, and what to try. */
export interface Complaint {
  readonly expected: string;
  readonly got: string;
  readonly try?: string;
}

/**
 * A mistake in what the user gave (config, file, flag). The command line prints its one line and exits with code 2.
 * Names and values in it may come from a stranger's file, so they are brought to one printable line.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly where: string;
  /** The message after `where`. */
  readonly complaint: string;

  /**
   * @param where the key, file or flag at fault, e.g. `dit.blocks.3.attn` or `configs/tiny.yaml:4:3 data.fps`.
   * @param complaint a text may have several lines.
   */
  constructor(where: string, complaint: Complaint | string) {
    const text = typeof complaint === "string" ? complaint.split("\n").map(oneLine).join("\n") : sentence(complaint);
    const place = oneLine(where);
    super(`${place}: ${text}`);
    this.where = place;
    this.complaint = text;
  }
}

/** Letters of a text from outside that are shown at most. */
const maxShown = 2000;

/** Any text as one line that a terminal can print: control characters are escaped, and a long one is cut. */
export function oneLine(text: string): string {
  const short = text.length <= maxShown ? text : `${text.slice(0, maxShown - 3)}...`;
  return short.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) => {
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[letter];
    return known ?? `\\u{${letter.codePointAt(0)?.toString(16)}}`;
  });
}

function sentence({ expected, got, try: hint }: Complaint): string {
  const tail = hint === undefined ? "" : `; try ${oneLine(hint)}`;
  return `expected ${oneLine(expected)}, got ${oneLine(got)}${tail}`;
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
