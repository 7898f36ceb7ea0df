import { z } from "zod";
import { isMapping } from "./mapping.ts";
import { childSchema, layers, optionsFor, type Schema } from "./schema.ts";

/** Says when a key does nothing, so that setting it can be refused. */
export interface EffectRule<Config> {
  /** The key, relative to the schema that the rule belongs to: `minLr`, `cache.dir`. */
  readonly key: string;
  /** Whether the key does anything in this configuration. */
  needs(config: Config): boolean;
  /** What the key needs, in the words of an error: `only schedule cosine reads it`. */
  readonly why: string;
}

/** A key that does nothing in a given configuration. */
export interface DeadKey {
  readonly path: readonly (string | number)[];
  readonly why: string;
}

interface StoredRule {
  readonly key: string;
  readonly why: string;
  readonly isDead: (config: unknown) => boolean;
}

const registry = z.registry<{ rules: StoredRule[] }>();

/**
 * Attaches rules to a schema, and returns it. A recipe that sets a key without effect is refused; a default without
 * effect is harmless and is left out when the recipe is printed.
 */
export function withEffects<S extends z.ZodType>(schema: S, rules: readonly EffectRule<z.output<S>>[]): S {
  const stored = rules.map((rule) => ({
    key: rule.key,
    why: rule.why,
    isDead: (config: unknown) => !rule.needs(config as z.output<S>),
  }));
  registry.add(schema, { rules: [...rulesOf(schema), ...stored] });
  return schema;
}

/** The keys of a configuration that do nothing in it, by the rules in the schema that validated it. */
export function deadKeys(schema: Schema, value: unknown, path: readonly (string | number)[] = []): DeadKey[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => deadChildren(schema, value, i, item, path));
  if (!isMapping(value)) return [];
  const here = new Set([schema, ...optionsFor(schema, value)].flatMap(layers).flatMap(rulesOf));
  const dead = [...here].filter((rule) => rule.isDead(value));
  return [
    ...dead.map((rule) => ({ path: [...path, ...rule.key.split(".")], why: rule.why })),
    ...Object.entries(value).flatMap(([key, item]) => deadChildren(schema, value, key, item, path)),
  ];
}

function deadChildren(
  schema: Schema,
  value: unknown,
  key: string | number,
  item: unknown,
  path: readonly (string | number)[],
): DeadKey[] {
  const child = childSchema(schema, key, value);
  return child === undefined ? [] : deadKeys(child, item, [...path, key]);
}

function rulesOf(schema: Schema): StoredRule[] {
  return registry.get(schema)?.rules ?? [];
}
