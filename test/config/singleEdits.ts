import type { KeyedRandom } from "../../src/base/random.ts";
import type { Node } from "../../src/config/node.ts";

/** A key in the text of a YAML file. Line and column count from 1. */
export interface WrittenKey {
  readonly path: readonly string[];
  readonly line: number;
  readonly col: number;
  /** Keys of the mapping that it stands in, itself included. */
  readonly siblings: readonly string[];
}

/** Every key that is written in a file, those of nested and inline mappings and in lists too. */
export function writtenKeys(node: Node, path: readonly string[] = []): WrittenKey[] {
  if (node.type === "leaf") return [];
  if (node.type === "list") return node.items.flatMap((item, i) => writtenKeys(item, [...path, String(i)]));
  const siblings = [...node.entries.keys()];
  return [...node.entries].flatMap(([key, { keySource, node: inner }]) => {
    const here = [...path, key];
    const below = writtenKeys(inner, here);
    return keySource.kind === "file"
      ? [{ path: here, siblings, line: keySource.line, col: keySource.col }, ...below]
      : below;
  });
}

const letters = "abcdefghijklmnopqrstuvwxyz";

/** A word with one letter inserted, left out, replaced, or swapped with its neighbour: another word, and not empty. */
export function singleEdit(word: string, random: KeyedRandom): string {
  for (;;) {
    const at = random.int(word.length);
    const letter = random.pick([...letters]);
    const [head, here, tail] = [word.slice(0, at), word.charAt(at), word.slice(at + 1)];
    const edited = random.pick([
      head + letter + here + tail,
      head + tail,
      head + letter + tail,
      head + tail.charAt(0) + here + tail.slice(1),
    ]);
    if (edited !== word && edited !== "") return edited;
  }
}
