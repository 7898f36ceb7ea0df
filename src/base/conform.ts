import type { z } from "zod";
import { UserError } from "./errors.ts";

/** A value that was read from a file, as its schema has it. @throws UserError that names the first wrong key. */
export function conform<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError([where, ...(issue?.path ?? [])].join(" "), issue?.message ?? "malformed");
}
