import type { Source } from "./source.ts";

/** A YAML value that knows where it stands. Keys and values keep their own places. */
export type Node = LeafNode | ListNode | MapNode;

export interface LeafNode {
  readonly type: "leaf";
  readonly source: Source;
  readonly value: null | boolean | number | string;
}

export interface ListNode {
  readonly type: "list";
  readonly source: Source;
  readonly items: readonly Node[];
}

export interface MapNode {
  readonly type: "map";
  readonly source: Source;
  readonly entries: ReadonlyMap<string, MapEntry>;
  /** The keys are numbers of items, from 0: on top of a list they change these items alone. */
  readonly byIndex?: boolean;
}

export interface MapEntry {
  readonly keySource: Source;
  readonly node: Node;
}

export type Path = readonly (string | number)[];

/** `data.sources.0.dir`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/** The plain value, made of fresh objects and arrays. */
export function plainValue(node: Node): unknown {
  if (node.type === "leaf") return node.value;
  if (node.type === "list") return node.items.map(plainValue);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainValue(entry.node)]));
}

/** The node at a path, or undefined where the tree has none. */
export function nodeAt(root: Node, path: readonly PropertyKey[]): Node | undefined {
  let node: Node | undefined = root;
  for (const part of path) node = node === undefined ? undefined : childOf(node, part);
  return node;
}

/** The place of the key that a path ends in, else of the nearest mapping or list around it. */
export function keySourceAt(root: Node, path: readonly PropertyKey[]): Source {
  let source = root.source;
  let node: Node | undefined = root;
  for (const part of path) {
    const child: Node | undefined = childOf(node, part);
    if (child === undefined) break;
    source = (node.type === "map" && node.entries.get(String(part))?.keySource) || child.source;
    node = child;
  }
  return source;
}

/** The place of the value at a path, else of the nearest mapping or list around it. */
export function valueSourceAt(root: Node, path: readonly PropertyKey[]): Source {
  for (let length = path.length; length > 0; length -= 1) {
    const node = nodeAt(root, path.slice(0, length));
    if (node !== undefined) return node.source;
  }
  return root.source;
}

/** Number of values in a tree: leaves, lists and mappings. */
export function countNodes(node: Node): number {
  if (node.type === "leaf") return 1;
  const children = node.type === "list" ? node.items : [...node.entries.values()].map((entry) => entry.node);
  return children.reduce((sum, child) => sum + countNodes(child), 1);
}

function childOf(node: Node, part: PropertyKey): Node | undefined {
  if (node.type === "map") return node.entries.get(String(part))?.node;
  return node.type === "list" ? node.items[Number(part)] : undefined;
}
