import { z } from "zod";
import { isMapping } from "./mapping.ts";

type KindSchema = z.ZodObject<{ kind: z.ZodLiteral<string> } & z.ZodRawShape>;

/**
 * A choice between classes by their `kind:`. Each option is a strict object with `kind: z.literal("name")`.
 * With a `fallback` the whole mapping, or its `kind` alone, may be left out:
 *
 *     const Engine = kindUnion([OnnxConfig, EagerConfig], "onnx");
 */
export function kindUnion<const Options extends readonly [KindSchema, ...KindSchema[]]>(
  options: Options,
  fallback: z.output<Options[number]>["kind"] & string,
) {
  const union = z.discriminatedUnion("kind", options);
  return z.preprocess((value) => withKind(value, fallback), union).prefault({ kind: fallback });
}

/** Like `kindUnion`, where the recipe must say the kind. */
export function requiredKindUnion<const Options extends readonly [KindSchema, ...KindSchema[]]>(options: Options) {
  return z.discriminatedUnion("kind", options);
}

function withKind(value: unknown, kind: string): unknown {
  return isMapping(value) && !Object.hasOwn(value, "kind") ? { kind, ...value } : value;
}
