import { UserError } from "../base/errors.ts";
import { type Composition, merge } from "./compose.ts";
import type { MapNode, Node } from "./node.ts";
import { type Source, whereText } from "./source.ts";
import { parseYaml } from "./yaml.ts";

/**
 * The tree of `key.path=value` overrides, to be merged on top of a recipe like one more file. Values are YAML; a number
 * in a path is an item of a list, from 0: `data.sources.1.weight=2`. Paths in `extends` are relative to the current
 * folder. Overrides are numbered from 1. @throws UserError.
 */
export function overrideTree(overrides: readonly string[], composition: Composition): Node | undefined {
  let tree: Node | undefined;
  overrides.forEach((text, i) => {
    const node = overrideNode(text, { kind: "override", index: i + 1, text });
    const resolved = composition.resolve(node, process.cwd());
    tree = tree === undefined ? resolved : merge(tree, resolved);
  });
  return tree;
}

function overrideNode(text: string, source: Source): Node {
  const where = whereText(source, "");
  const equals = text.indexOf("=");
  const keys = text.slice(0, Math.max(0, equals)).split(".");
  const value = text.slice(equals + 1);
  if (equals < 0 || keys.some((key) => !/^[\w-]+$/.test(key) || key === "__proto__")) {
    throw new UserError(where, "expected key.path=value, such as train.steps=100");
  }
  if (value.trim() === "") throw new UserError(where, 'expected a value after "="; for an empty text write ""');
  const leaf = parseYaml(value, () => source);
  return keys.reduceRight<Node>((node, key): MapNode => {
    const entries = new Map([[key, { keySource: source, node }]]);
    return { type: "map", source, entries, byIndex: /^\d+$/.test(key) };
  }, leaf);
}
