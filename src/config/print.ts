import { stringify } from "yaml";
import { isMapping } from "./mapping.ts";

/** What the printer asks about the value at a dotted path. */
export interface Remarks {
  /** A comment behind the value, or nothing. */
  comment(path: string): string | undefined;
  /** Why the key does nothing: it is then printed as a comment only. */
  dead(path: string): string | undefined;
}

interface Line {
  readonly text: string;
  readonly comment: string | undefined;
}

/** Prints a configuration as YAML, one value a line, comments aligned. Lists without mappings stay on one line. */
export function printYaml(value: object, remarks: Remarks): string {
  const lines = mappingLines(value, "", "", remarks);
  const width = Math.min(60, Math.max(0, ...lines.map((line) => (line.comment === undefined ? 0 : line.text.length))));
  return lines
    .map(({ text, comment }) => (comment === undefined ? text : `${text.padEnd(width)}  # ${comment}`))
    .map((line) => `${line}\n`)
    .join("");
}

function mappingLines(value: object, path: string, indent: string, remarks: Remarks): Line[] {
  return Object.entries<unknown>({ ...value }).flatMap(([key, item]) => {
    if (item === undefined) return [];
    const here = path === "" ? key : `${path}.${key}`;
    const why = remarks.dead(here);
    if (why !== undefined) {
      return [{ text: `${indent}# ${inline(key)}: ${inline(item)}`, comment: `no effect: ${why}` }];
    }
    return valueLines(`${indent}${inline(key)}:`, item, here, `${indent}  `, remarks);
  });
}

function valueLines(head: string, value: unknown, path: string, indent: string, remarks: Remarks): Line[] {
  if (isMapping(value)) {
    const lines = mappingLines(value, path, indent, remarks);
    const isBlock = lines.some((line) => !line.text.trimStart().startsWith("#"));
    return [
      isBlock ? { text: head, comment: undefined } : { text: `${head} {}`, comment: remarks.comment(path) },
      ...lines,
    ];
  }
  if (Array.isArray(value) && holdsMapping(value)) {
    return [
      { text: head, comment: undefined },
      ...value.flatMap((item, i) => itemLines(item, `${path}.${i}`, indent, remarks)),
    ];
  }
  return [{ text: `${head} ${inline(value)}`, comment: remarks.comment(path) }];
}

/** A list item: its first line carries the dash, the others stand below it. */
function itemLines(item: unknown, path: string, indent: string, remarks: Remarks): Line[] {
  if (!isMapping(item)) return valueLines(`${indent}-`, item, path, `${indent}  `, remarks);
  const [first, ...rest] = mappingLines(item, path, `${indent}  `, remarks);
  if (first === undefined) return [{ text: `${indent}- {}`, comment: remarks.comment(path) }];
  return [{ ...first, text: `${indent}- ${first.text.slice(indent.length + 2)}` }, ...rest];
}

function holdsMapping(list: readonly unknown[]): boolean {
  return list.some((item) => isMapping(item) || (Array.isArray(item) && holdsMapping(item)));
}

/** One value on one line, whatever its texts contain. */
function inline(value: unknown): string {
  const hasLines = JSON.stringify(value)?.includes("\\n") ?? false;
  return stringify(value, {
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
    blockQuote: false,
    defaultStringType: hasLines ? "QUOTE_DOUBLE" : "PLAIN",
    doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
  }).trimEnd();
}
