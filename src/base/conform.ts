import type { z } from "zod";
import { oneLine, UserError } from "./errors.ts";

/** A value that was read from a file, as its schema has it. @throws UserError that names the first wrong key. */
export function conform<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = issue?.path.map(String).join(".") ?? "";
  throw new UserError(key === "" ? where : `${where} ${key}`, oneLine(issue?.message ?? "malformed"));
}
