import type { z } from "zod";
import { assert, oneLine, UserError } from "../base/errors.ts";
import { type Problem, problemsOf } from "./complaint.ts";
import { Composition, merge } from "./compose.ts";
import { type DeadKey, deadKeys } from "./effect.ts";
import { isMapping } from "./mapping.ts";
import { keySourceAt, type MapNode, nodeAt, pathText, plainValue } from "./node.ts";
import { overrideTree } from "./override.ts";
import { printYaml } from "./print.ts";
import { type Schema, schemaAt } from "./schema.ts";
import { compareSources, defaultSource, type Source, sourceText, whereText } from "./source.ts";

const maxProblemsShown = 20;

/** A recipe after composition and validation. */
export interface Resolved<T> {
  /** The recipe file, as given. */
  readonly file: string;
  readonly value: T;
  /** Where each value came from, by dotted path (`data.grids.0`), defaults included, in the order of the schema. */
  readonly sources: ReadonlyMap<string, Source>;
  /** The whole tree as YAML that loads again to the same value; with `sources`, each value's source as a comment. */
  toYaml(options?: { readonly sources?: boolean }): string;
}

/**
 * Reads a recipe, merges its parts (`extends`, see compose.ts) and then the `key.path=value` overrides, and validates
 * the result. Schemas are strict objects whose keys have defaults and `.describe()` texts; see kind.ts for `kind:`
 * choices and effect.ts for keys without effect. Transforms in a schema must keep their own output unchanged.
 * @throws UserError with one line for each thing wrong: `file:line:col key: what; what to try`.
 */
export function loadRecipe<S extends z.ZodType<object>>(
  file: string,
  overrides: readonly string[],
  schema: S,
): Resolved<z.output<S>> {
  const composition = new Composition();
  const recipe = composition.file(file);
  const changes = overrideTree(overrides, composition);
  const merged = changes === undefined ? recipe : merge(recipe, changes);
  assert(merged.type === "map", "a recipe is a mapping");
  const root: MapNode = { ...merged, source: recipe.source };
  const result = schema.safeParse(plainValue(root));
  if (!result.success) throw refusal(problemsOf(result.error.issues, schema, root));
  const dead = deadKeys(schema, result.data);
  refuseDeadKeys(dead, schema, result.data, root);
  return resolved(file, result.data, root, dead);
}

function resolved<T extends object>(file: string, value: T, root: MapNode, dead: readonly DeadKey[]): Resolved<T> {
  const sources = new Map<string, Source>();
  collectSources(value, root, [], sources);
  const reasons = new Map(dead.map(({ path, why }) => [pathText(path), why]));
  const toYaml: Resolved<T>["toYaml"] = ({ sources: withSources = false } = {}) =>
    printYaml(value, {
      comment: (path) => {
        const source = sources.get(path);
        return withSources && source !== undefined ? sourceText(source) : undefined;
      },
      dead: (path) => reasons.get(path),
    });
  return { file, value, sources, toYaml };
}

/** A list, an empty mapping and a plain value each have one source; lists also for their items. */
function collectSources(
  value: unknown,
  root: MapNode,
  path: readonly (string | number)[],
  sources: Map<string, Source>,
) {
  const isLeaf = !isMapping(value) || Object.keys(value).length === 0;
  if (isLeaf && path.length > 0) sources.set(pathText(path), nodeAt(root, path)?.source ?? defaultSource);
  if (Array.isArray(value))
    value.forEach((item, i) => {
      collectSources(item, root, [...path, i], sources);
    });
  if (isMapping(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) collectSources(item, root, [...path, key], sources);
    }
  }
}

function refuseDeadKeys(dead: readonly DeadKey[], schema: Schema, value: unknown, root: MapNode) {
  const problems = dead.flatMap(({ path, why }) => {
    assert(schemaAt(schema, path, value) !== undefined, `the effect rule for ${pathText(path)} names a key`);
    if (nodeAt(root, path) === undefined) return [];
    const text = `has no effect: ${why}; remove it`;
    return [{ key: pathText(path), source: keySourceAt(root, path), text }];
  });
  if (problems.length > 0) throw refusal(problems);
}

function refusal(problems: readonly Problem[]): UserError {
  const sorted = problems.toSorted((a, b) => compareSources(a.source, b.source));
  const lines = sorted.slice(0, maxProblemsShown).map(({ key, source, text }) => {
    const about = source.kind === "override" && !source.text.startsWith(`${key}=`) ? `${key}: ` : "";
    return { where: oneLine(whereText(source, key)), text: oneLine(about + text) };
  });
  const hidden = sorted.length - lines.length;
  const [first, ...others] = lines;
  assert(first !== undefined, "a refused recipe has a problem");
  const more = others.map(({ where, text }) => `\n${where}: ${text}`).join("");
  return new UserError(first.where, `${first.text}${more}${hidden > 0 ? `\n... and ${hidden} more` : ""}`);
}
