import path from "node:path";
import { type Complaint, UserError } from "../base/errors.ts";
import { countNodes, type ListNode, type MapEntry, type MapNode, type Node } from "./node.ts";
import { clip, displayPath, type Source, whereText } from "./source.ts";
import { readYamlFile } from "./yaml.ts";

/**
 * How recipes are composed: any mapping may say `extends: PART.yaml` or a list of parts, paths relative to the file
 * that says it. The parts are merged in order, then the mapping's own keys on top:
 *
 *     extends: base/dit.yaml
 *     model: { extends: model/dit-s.yaml, depth: 4 }
 *
 * Merging goes key by key through mappings; everything else (lists too) is replaced, the later one wins. A mapping
 * with another `kind` than the one below it replaces it whole, since its keys mean something else.
 */
const maxParts = 100;
const maxValues = 20_000;

/** Reads recipes and their parts, each file once. */
export class Composition {
  private readonly finished = new Map<string, Node>();
  private numParts = 0;

  /** The composed tree of a file. @throws UserError on unreadable files, cycles and bad `extends`. */
  file(file: string): MapNode {
    const absolute = path.resolve(file);
    const root = this.load(absolute, displayPath(absolute), []);
    if (root.type !== "map") throw notMapping(root);
    return root;
  }

  /** Resolves every `extends` in a tree whose relative paths start at `folder`. */
  resolve(node: Node, folder: string, chain: readonly string[] = [], key = ""): Node {
    if (node.type === "leaf") return node;
    const under = (name: string | number) => (key === "" ? String(name) : `${key}.${name}`);
    if (node.type === "list") {
      return { ...node, items: node.items.map((item, i) => this.resolve(item, folder, chain, under(i))) };
    }
    const own = new Map<string, MapEntry>();
    let base: Node | undefined;
    for (const [name, entry] of node.entries) {
      if (name !== "extends") {
        own.set(name, { ...entry, node: this.resolve(entry.node, folder, chain, under(name)) });
        continue;
      }
      for (const part of partsOf(entry.node, under(name))) {
        const where = whereText(part.source, under(name));
        const found = this.load(path.resolve(folder, part.file), where, chain);
        if (found.type !== "map") throw notMapping(found);
        base = base === undefined ? found : merge(base, found);
      }
    }
    const top: Node = { ...node, entries: own };
    return base === undefined ? top : merge(base, top);
  }

  private load(file: string, askedBy: string, chain: readonly string[]): Node {
    if (chain.includes(file)) {
      const got = [...chain.slice(chain.indexOf(file)), file].map(displayPath).join(" -> ");
      throw new UserError(askedBy, { expected: "parts without a cycle", got });
    }
    this.numParts += 1;
    if (this.numParts > maxParts) throw tooMuch(askedBy, { expected: `at most ${maxParts} parts`, got: "more" });
    let node = this.finished.get(file);
    if (node === undefined) {
      node = this.resolve(readYamlFile(file, askedBy), path.dirname(file), [...chain, file]);
      this.finished.set(file, node);
    }
    if (countNodes(node) > maxValues) throw tooMuch(askedBy, { expected: `at most ${maxValues} values`, got: "more" });
    return node;
  }
}

/**
 * `over` on top of `base`; see above. The place of a merged mapping is that of the upper one.
 * @throws UserError when `over` changes an item that a list does not have.
 */
export function merge(base: Node, over: Node): Node {
  if (base.type === "list" && over.type === "map" && over.byIndex === true) return mergeItems(base, over);
  if (base.type !== "map" || over.type !== "map" || isOtherKind(base, over)) return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? entry : { ...entry, node: merge(below.node, entry.node) });
  }
  return { type: "map", source: over.source, entries, byIndex: base.byIndex === true && over.byIndex === true };
}

function mergeItems(list: ListNode, over: MapNode): ListNode {
  const items = [...list.items];
  for (const [key, { keySource, node }] of over.entries) {
    const below = items[Number(key)];
    if (below === undefined) {
      const got = `item ${key} of a list of ${items.length}`;
      throw new UserError(whereText(keySource, key), { expected: "an item that the list has, counted from 0", got });
    }
    items[Number(key)] = merge(below, node);
  }
  return { type: "list", source: list.source, items };
}

function isOtherKind(base: MapNode, over: MapNode): boolean {
  const below = base.entries.get("kind")?.node;
  const above = over.entries.get("kind")?.node;
  return below?.type === "leaf" && above?.type === "leaf" && below.value !== above.value;
}

function partsOf(node: Node, key: string): { file: string; source: Source }[] {
  const items = node.type === "list" ? node.items : [node];
  return items.map((item) => {
    const file = item.type === "leaf" ? item.value : null;
    if (typeof file === "string" && /\.ya?ml$/.test(file)) return { file, source: item.source };
    const got = item.type === "leaf" ? clip(JSON.stringify(item.value)) : `a ${item.type}`;
    throw new UserError(whereText(item.source, key), { expected: "the path of a .yaml file", got });
  });
}

function notMapping(node: Node): UserError {
  const got = node.type === "leaf" ? "a single value" : "a list";
  return new UserError(whereText(node.source, ""), { expected: "a mapping (key: value)", got });
}

function tooMuch(where: string, complaint: Complaint): UserError {
  return new UserError(where, { ...complaint, try: "fewer or smaller parts" });
}
