import { valueAt } from "./mapping.ts";
import { keySourceAt, type MapNode, nodeAt, pathText, plainValue } from "./node.ts";
import { fieldsOf, type Schema, schemaAt, schemaKeys } from "./schema.ts";
import { nearest, typingDistance } from "./suggest.ts";

/** What an unknown key probably meant. */
export interface UnknownKey {
  /** Dotted paths of the keys that it may have meant, best first. */
  readonly suggestions: readonly string[];
  readonly text: string;
}

/** A recipe that was refused, as tree and as plain value, with every key that it could have. */
export interface Refused {
  readonly schema: Schema;
  readonly root: MapNode;
  readonly value: unknown;
  readonly possibleKeys: readonly string[];
}

/** Prepares what explaining needs. The keys are those of the kinds that the recipe has chosen. */
export function refusedRecipe(schema: Schema, root: MapNode): Refused {
  const value = plainValue(root);
  const paths = schemaKeys(schema).map((key) => key.path);
  const possibleKeys = paths.filter((path) => schemaAt(schema, partsOf(path), value) !== undefined);
  return { schema, root, value, possibleKeys };
}

/** Explains the unknown key `name` in the mapping at `path`. */
export function explainUnknownKey(
  { schema, root, value, possibleKeys }: Refused,
  path: readonly PropertyKey[],
  name: string,
): UnknownKey {
  const here = schemaAt(schema, path, value);
  const siblings = here === undefined ? [] : [...fieldsOf(here, valueAt(value, path)).keys()];
  const unused = [...siblings, "extends"].filter((sibling) => !isGivenBeside(root, path, name, sibling));
  const suggestions = suggestKeys(possibleKeys, pathText(path), name, unused);
  if (suggestions.length > 0) return { suggestions, text: `unknown key; did you mean ${suggestions.join(" or ")}?` };
  const place = path.length === 0 ? "the recipe" : pathText(path);
  const known = siblings.length <= 12 ? siblings.join(", ") : `${siblings.slice(0, 12).join(", ")} ...`;
  return { suggestions, text: `unknown key; ${known === "" ? "remove it" : `${place} knows ${known}`}` };
}

/** Whether the file that has the unknown key has this sibling too; then it cannot have meant that. */
function isGivenBeside(root: MapNode, path: readonly PropertyKey[], name: string, sibling: string): boolean {
  if (nodeAt(root, [...path, sibling]) === undefined) return false;
  const unknown = keySourceAt(root, [...path, name]);
  const given = keySourceAt(root, [...path, sibling]);
  return unknown.kind === "file" && given.kind === "file" && unknown.file === given.file;
}

/**
 * Near keys of the same mapping, else near ones anywhere in `paths`. A key that is spelled
 * right but stands elsewhere goes before a sibling that is two edits away.
 */
function suggestKeys(paths: readonly string[], parent: string, name: string, siblings: readonly string[]): string[] {
  const near = nearest(name, siblings);
  const distant = nearest(name, paths.map(lastPart));
  const isRightElsewhere = distant[0] === name && near[0] !== undefined && typingDistance(name, near[0]) > 1;
  if (near.length > 0 && !isRightElsewhere) return near.map((key) => (parent === "" ? key : `${parent}.${key}`));
  return paths.filter((path) => distant.includes(lastPart(path))).slice(0, 2);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** `data.sources[].dir` as the parts of a path to a first item. */
function partsOf(path: string): string[] {
  return path.replaceAll("[]", ".0").split(".");
}
