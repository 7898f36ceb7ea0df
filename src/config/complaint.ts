import type { z } from "zod";
import { isMapping, valueAt } from "./mapping.ts";
import { keySourceAt, type MapNode, nodeAt, pathText, valueSourceAt } from "./node.ts";
import { fieldsOf, type Schema, schemaAt } from "./schema.ts";
import { clip, type Source } from "./source.ts";
import { nearest } from "./suggest.ts";
import { explainUnknownKey, refusedRecipe } from "./unknownKey.ts";

type Issue = z.core.$ZodIssue;

/** One thing wrong in a recipe, and where. */
export interface Problem {
  readonly key: string;
  readonly source: Source;
  readonly text: string;
}

/** Unknown keys of one mapping that are explained; the others are counted, since each costs a search. */
const maxExplained = 30;

/** Says in plain words what zod found wrong in a recipe: one problem a mistake, none twice. */
export function problemsOf(issues: readonly Issue[], schema: Schema, root: MapNode): Problem[] {
  const refused = refusedRecipe(schema, root);
  const { value } = refused;
  const suggested = new Set<string>();
  const unknown = unknownKeys(issues, schema, value).flatMap(({ path, keys }) => {
    const explained = keys.slice(0, maxExplained).map((name): Problem => {
      const { suggestions, text } = explainUnknownKey(refused, path, name);
      for (const key of suggestions) suggested.add(key);
      return { key: pathText([...path, name]), source: keySourceAt(root, [...path, name]), text };
    });
    const next = keys[maxExplained];
    if (next === undefined) return explained;
    const text = `unknown key, like ${keys.length - maxExplained - 1} others in this mapping`;
    return [...explained, { key: pathText([...path, next]), source: keySourceAt(root, [...path, next]), text }];
  });
  const others = issues.flatMap((issue) => {
    const key = pathText(issue.path);
    const isMissing = nodeAt(root, issue.path) === undefined;
    if (issue.code === "unrecognized_keys" || (isMissing && suggested.has(key))) return [];
    const source = isMissing ? keySourceAt(root, issue.path) : valueSourceAt(root, issue.path);
    return [{ key, source, text: complain(issue, valueAt(value, issue.path), isMissing) }];
  });
  return [...unknown, ...others];
}

/** The unknown keys of each mapping: those that zod lists, and those in a mapping whose `kind` is wrong or missing. */
function unknownKeys(issues: readonly Issue[], schema: Schema, value: unknown) {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return [{ path: issue.path, keys: issue.keys }];
    if (issue.code !== "invalid_union" || choicesIn(issue) === undefined) return [];
    const path = issue.path.slice(0, -1);
    const mapping = valueAt(value, path);
    const known = fieldsOf(schemaAt(schema, path, value) ?? schema);
    return [{ path, keys: isMapping(mapping) ? Object.keys(mapping).filter((key) => !known.has(key)) : [] }];
  });
}

function complain(issue: Issue, found: unknown, isMissing: boolean): string {
  if (issue.code === "custom") return issue.message;
  const expected = expectation(issue);
  if (isMissing) return `missing; expected ${expected}`;
  const hint = hintFor(issue, found);
  return `expected ${expected}, got ${shown(found)}${hint === undefined ? "" : `; ${hint}`}`;
}

function expectation(issue: Issue): string {
  const isSchemasOwnText = !/^(Invalid|Too|Unrecognized) /.test(issue.message);
  if (isSchemasOwnText) return issue.message;
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
