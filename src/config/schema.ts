import { z } from "zod";
import { isMapping, valueAt } from "./mapping.ts";

/** Any zod schema. The functions here look into the ones that recipes are made of. */
export type Schema = z.core.$ZodType;

/** A key that a schema knows. `sources[].dir` stands for the key `dir` in each item of the list `sources`. */
export interface SchemaKey {
  readonly path: string;
  readonly description: string | undefined;
  readonly hasDefault: boolean;
  /** The values that the key may take, where they are few and named. */
  readonly choices: readonly string[];
}

const maxDepth = 12;

/** A schema and what it wraps (default, optional, preprocess ...), outermost first. */
export function layers(schema: Schema): Schema[] {
  const inside = inner(schema);
  return inside === undefined ? [schema] : [schema, ...layers(inside)];
}

/** The fields of an object schema, or of the option of a union that `value` chooses by its kind, else of all options. */
export function fieldsOf(schema: Schema, value?: unknown): ReadonlyMap<string, Schema> {
  const fields = new Map<string, Schema>();
  for (const option of optionsFor(schema, value)) {
    const core = layers(option).at(-1);
    if (!(core instanceof z.ZodObject)) continue;
    for (const [key, field] of Object.entries<Schema>(core.shape)) if (!fields.has(key)) fields.set(key, field);
  }
  return fields;
}

/** The schema of one field, list item or record value. */
export function childSchema(schema: Schema, key: PropertyKey, value?: unknown): Schema | undefined {
  const core = layers(schema).at(-1);
  if (core instanceof z.ZodArray) return core.element;
  if (core instanceof z.ZodTuple) return core.def.items[Number(key)];
  if (core instanceof z.ZodRecord) return core.valueType;
  return fieldsOf(schema, value).get(String(key));
}

/** The schema at a path into `value`, or undefined where the schema has no such key. */
export function schemaAt(root: Schema, path: readonly PropertyKey[], value: unknown): Schema | undefined {
  let schema: Schema | undefined = root;
  let here = value;
  for (const key of path) {
    if (schema === undefined) return undefined;
    schema = childSchema(schema, key, here);
    here = valueAt(here, [key]);
  }
  return schema;
}

/** Options of a union, flattened; the schema itself otherwise. Where `value` has the kind of one option, only that. */
export function optionsFor(schema: Schema, value?: unknown): Schema[] {
  const core = layers(schema).at(-1);
  if (!(core instanceof z.ZodUnion)) return [schema];
  const options = (core.options as readonly Schema[]).flatMap((option) => optionsFor(option));
  const kind = isMapping(value) ? value.kind : undefined;
  const chosen = options.filter((option) => choicesOf(fieldsOf(option).get("kind")).includes(String(kind)));
  return chosen.length > 0 ? chosen : options;
}

/** The named values of an enum, literal or kind; empty for anything else. */
export function choicesOf(schema: Schema | undefined): string[] {
  const core = schema && layers(schema).at(-1);
  if (core instanceof z.ZodEnum) return core.options.map(String);
  if (core instanceof z.ZodLiteral) return [...core.values].map(String);
  return [];
}

/** Every key of a schema with its description, in the order of the schema. */
export function schemaKeys(schema: Schema, prefix = "", depth = 0): SchemaKey[] {
  if (depth > maxDepth) return [];
  const core = layers(schema).at(-1);
  if (core instanceof z.ZodArray) return schemaKeys(core.element, `${prefix}[]`, depth + 1);
  const keys = new Map<string, SchemaKey>();
  for (const option of optionsFor(schema)) {
    for (const [name, field] of fieldsOf(option)) {
      const path = prefix === "" ? name : `${prefix}.${name}`;
      const known = keys.get(path);
      const choices = [...new Set([...(known?.choices ?? []), ...choicesOf(field)])];
      keys.set(path, { path, description: descriptionOf(field), hasDefault: hasDefault(field), choices });
      for (const key of schemaKeys(field, path, depth + 1)) if (!keys.has(key.path)) keys.set(key.path, key);
    }
  }
  return [...keys.values()];
}

/** The text of `.describe()`, wherever in the layers it was attached. */
export function descriptionOf(schema: Schema): string | undefined {
  for (const layer of layers(schema)) {
    const description = z.globalRegistry.get(layer)?.description;
    if (description !== undefined) return description;
  }
  return undefined;
}

function hasDefault(schema: Schema): boolean {
  return layers(schema).some(
    (layer) =>
      layer instanceof z.ZodDefault ||
      layer instanceof z.ZodPrefault ||
      layer instanceof z.ZodOptional ||
      layer instanceof z.ZodExactOptional,
  );
}

function inner(schema: Schema): Schema | undefined {
  if (schema instanceof z.ZodPipe) return schema.in instanceof z.ZodTransform ? schema.out : schema.in;
  const wraps =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodLazy;
  return wraps ? schema.unwrap() : undefined;
}
