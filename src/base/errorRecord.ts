import { UserError } from "./errors.ts";

/** What a refusal of the system tells beside its message. */
const DETAILS = ["code", "syscall", "path"] as const;

/** An error as a plain value, to be sent to another thread. */
export interface ErrorRecord {
  readonly message: string;
  readonly stack: string | undefined;
  /** Set for a `UserError`: what it was made of. */
  readonly user: { readonly where: string; readonly complaint: string } | undefined;
  readonly details: Readonly<Partial<Record<(typeof DETAILS)[number], string>>>;
}

/** Anything thrown, as a value. */
export function toRecord(thrown: unknown): ErrorRecord {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { message, stack } = error;
  const user = error instanceof UserError ? { where: error.where, complaint: error.complaint } : undefined;
  const known = DETAILS.map((name) => [name, Reflect.get(error, name)] as const);
  return { message, stack, user, details: Object.fromEntries(known.filter(([, value]) => typeof value === "string")) };
}

/** The error again: a `UserError` where it was one, with the stack of where it was thrown. */
export function fromRecord({ message, stack, user, details }: ErrorRecord): Error {
  const error = user === undefined ? new Error(message) : new UserError(user.where, user.complaint);
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, details);
}
