import { UserError } from "./errors.ts";
import { outlineOfJson } from "./jsonOutline.ts";

/** What JSON can hold. Numbers are finite. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** True for an object that is neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Far above what files of this project have; below what would exhaust the stack or hundreds of megabytes. */
const limits = { depth: 64, numValues: 1_000_000 };

/** Texts without such digits hold no number that JSON.parse would read as infinite. */
const mayOverflow = /\d[eE]\+?\d{3}|\d{200}/;

/**
 * Reads JSON text from outside. Stricter than JSON.parse: a key that stands twice in one object is refused, and so is
 * nesting of more than 64 levels or a million values, before anything is built.
 * @throws UserError when the text is not JSON, repeats a key or exceeds a limit.
 */
export function parseJson(text: string, where: string): JsonValue {
  const { depth, numValues, repeatedKey } = outlineOfJson(text, limits);
  if (depth > limits.depth) {
    throw new UserError(where, { expected: `JSON of at most ${limits.depth} levels`, got: "more" });
  }
  if (numValues > limits.numValues) {
    throw new UserError(where, { expected: `JSON of at most ${limits.numValues} values`, got: "more" });
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(where, { expected: "JSON", got: error instanceof Error ? error.message : String(error) });
  }
  if (mayOverflow.test(text) && !isAllFinite(value)) {
    throw new UserError(where, { expected: "numbers below 1.8e308", got: "a larger one" });
  }
  if (repeatedKey !== undefined) {
    throw new UserError(where, { expected: "every key once", got: `${JSON.stringify(repeatedKey)} twice` });
  }
  return value;
}

/** The same for a text that must hold an object. @throws UserError also when it holds something else. */
export function parseJsonObject(text: string, where: string): JsonObject {
  const value = parseJson(text, where);
  if (isJsonObject(value)) return value;
  throw new UserError(where, { expected: "a JSON object", got: Array.isArray(value) ? "a list" : String(value) });
}

/**
 * The one text of a value: object keys sorted by code unit, no white space. Equal values have equal texts.
 * @throws Error when the value holds something that JSON would drop or change: undefined, NaN, a function ...
 */
export function canonicalJson(value: JsonValue): string {
  return canonical(value, "$");
}

function canonical(value: unknown, path: string): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, i) => canonical(item, `${path}[${i}]`)).join()}]`;
  if (isPlainObject(value)) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, `${path}.${key}`)}`).join()}}`;
  }
  throw new Error(`${path}: JSON cannot hold ${typeof value === "number" ? String(value) : describe(value)}`);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === "object" ? `a ${value?.constructor.name}` : `a value of type ${typeof value}`;
}

function isAllFinite(value: JsonValue): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isAllFinite);
}
