import type { z } from "zod";
import { UserError } from "../../base/errors.ts";

/** Checks what the options gave against a schema. @throws UserError that names the option at fault. */
export function parseOptions<S extends z.ZodType>(schema: S, values: Readonly<Record<string, unknown>>): z.output<S> {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [key = "options", ...rest] = issue?.path ?? [];
  const message = issue?.message.replace(/^(Invalid|Too) .*?: |, received .*$/g, "") ?? "expected another value";
  const value = [key, ...rest].reduce<unknown>(memberOf, given);
  const got = typeof value === "number" ? String(value) : JSON.stringify(value);
  const where = [`--${kebab(String(key))}`, ...rest.map((step) => (typeof step === "number" ? step + 1 : step))];
  throw new UserError(where.join(" "), `${message}, got ${got}`);
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `a,b,c` as a list; undefined stays so. */
export function listOption(text: string | undefined): string[] | undefined {
  return text?.split(",").map((item) => item.trim());
}

/** `0.3,0.5` as numbers. What is no number fails in the schema. */
export function numbersOption(text: string | undefined): number[] | undefined {
  return listOption(text)?.map(Number);
}
