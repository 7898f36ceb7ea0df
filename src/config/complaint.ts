import type { z } from "zod";
import { isMapping } from "./mapping.ts";
import { keySourceAt, type MapNode, nodeAt, pathText, plainValue, valueSourceAt } from "./node.ts";
import { fieldsOf, type Schema, schemaAt, schemaKeys } from "./schema.ts";
import { clip, type Source } from "./source.ts";
import { nearest, typingDistance } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/** One thing wrong in a recipe, and where. */
export interface Problem {
  readonly key: string;
  readonly source: Source;
  readonly text: string;
}

/** Says in plain words what zod found wrong in a recipe: one problem a mistake, none twice. */
export function problemsOf(issues: readonly Issue[], schema: Schema, root: MapNode): Problem[] {
  const value = plainValue(root);
  const suggested = new Set<string>();
  const problems: Problem[] = [];
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const key of issue.keys) {
      const path = [...issue.path, key];
      const hints = suggestKeys(schema, issue.path, key, value);
      for (const hint of hints) suggested.add(hint);
      const text = hints.length > 0 ? `did you mean ${hints.join(" or ")}?` : known(schema, issue.path, value);
      problems.push({ key: pathText(path), source: keySourceAt(root, path), text: `unknown key; ${text}` });
    }
  }
  for (const issue of issues) {
    const key = pathText(issue.path);
    const isMissing = nodeAt(root, issue.path) === undefined;
    if (issue.code === "unrecognized_keys" || (isMissing && suggested.has(key))) continue;
    const source = isMissing ? keySourceAt(root, issue.path) : valueSourceAt(root, issue.path);
    problems.push({ key, source, text: complain(issue, valueAt(value, issue.path), isMissing) });
  }
  return problems;
}

/** Keys that an unknown one may have meant: near ones of its own mapping, else the same or a near one elsewhere. */
function suggestKeys(schema: Schema, path: readonly PropertyKey[], key: string, value: unknown): string[] {
  const parent = valueAt(value, path);
  const given = isMapping(parent) ? new Set(Object.keys(parent)) : new Set<string>();
  const here = schemaAt(schema, path, value);
  const siblings = here === undefined ? [] : [...fieldsOf(here, parent).keys()].filter((name) => !given.has(name));
  const prefix = path.length === 0 ? "" : `${pathText(path)}.`;
  const near = nearest(key, siblings);
  const elsewhere = schemaKeys(schema).map((known) => known.path);
  const lastPart = (known: string) => known.slice(known.lastIndexOf(".") + 1);
  const distant = nearest(key, elsewhere.map(lastPart));
  const isExactElsewhere = distant[0] === key && near[0] !== undefined && typingDistance(key, near[0]) > 1;
  if (near.length > 0 && !isExactElsewhere) return near.map((name) => prefix + name);
  return elsewhere.filter((known) => distant.includes(lastPart(known))).slice(0, 2);
}

function known(schema: Schema, path: readonly PropertyKey[], value: unknown): string {
  const here = schemaAt(schema, path, value);
  const names = here === undefined ? [] : [...fieldsOf(here, valueAt(value, path)).keys()];
  const place = path.length === 0 ? "a recipe" : pathText(path);
  return names.length === 0 ? "remove it" : `${place} knows ${shortList(names)}`;
}

function complain(issue: Issue, found: unknown, isMissing: boolean): string {
  if (issue.code === "custom") return issue.message;
  const expected = expectation(issue);
  if (isMissing) return `missing; expected ${expected}`;
  const hint = hintFor(issue, found);
  return `expected ${expected}, got ${shown(found)}${hint === undefined ? "" : `; ${hint}`}`;
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords[issue.expected] ?? issue.expected;
    case "invalid_value":
    case "invalid_union": {
      const choices = choicesIn(issue);
      if (choices !== undefined) return choices.length === 1 ? `${choices[0]}` : `one of ${shortList(choices)}`;
      const nested = issue.code === "invalid_union" ? issue.errors.flatMap((errors) => errors.slice(0, 1)) : [];
      return [...new Set(nested.map(expectation))].join(" or ");
    }
    case "too_small":
      return size(issue.origin, (issue.inclusive ?? true) ? ">=" : ">", "at least", Number(issue.minimum));
    case "too_big":
      return size(issue.origin, (issue.inclusive ?? true) ? "<=" : "<", "at most", Number(issue.maximum));
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return `a text like ${issue.pattern ?? issue.format}`;
    default:
      return `a valid value (${issue.message})`;
  }
}

function hintFor(issue: Issue, found: unknown): string | undefined {
  if (typeof found !== "string") return undefined;
  const meant = nearest(found, choicesIn(issue) ?? []);
  if (meant.length > 0) return `did you mean ${meant.join(" or ")}?`;
  const wantsNumber = issue.code === "invalid_type" && /^(number|int)$/.test(issue.expected);
  return wantsNumber && found.trim() !== "" && Number.isFinite(Number(found)) ? "remove the quotes" : undefined;
}

/** The named values that were allowed, where zod tells them: of an enum, a literal or a `kind`. */
function choicesIn(issue: Issue): string[] | undefined {
  if (issue.code === "invalid_value") return issue.values.map(String);
  const options = issue.code === "invalid_union" && "options" in issue ? issue.options : undefined;
  return Array.isArray(options) ? options.map(String) : undefined;
}

const typeWords: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  string: "a text",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a mapping",
  record: "a mapping",
  null: "null",
};

function size(origin: string, sign: string, words: string, limit: number): string {
  if (origin === "array") return `a list of ${words} ${limit} items`;
  return origin === "string" ? `a text of ${words} ${limit} letters` : `a number ${sign} ${limit}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isMapping(value) ? "a mapping" : clip(JSON.stringify(value));
}

function shortList(words: readonly string[]): string {
  return words.length <= 12 ? words.join(", ") : `${words.slice(0, 12).join(", ")} ...`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    const isInside = (isMapping(here) || Array.isArray(here)) && Object.hasOwn(here, key);
    here = isInside ? Reflect.get(here as object, key) : undefined;
  }
  return here;
}
