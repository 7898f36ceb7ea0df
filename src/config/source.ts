import path from "node:path";

/** Where a value of a resolved recipe came from. Lines and columns count from 1. */
export type Source =
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly col: number }
  | { readonly kind: "override"; readonly index: number; readonly text: string }
  | { readonly kind: "default" };

export const defaultSource: Source = { kind: "default" };

/** `configs/tiny.yaml:4:3`, `command line` or `default`. */
export function sourceText(source: Source): string {
  if (source.kind === "file") return `${displayPath(source.file)}:${source.line}:${source.col}`;
  return source.kind === "override" ? "command line" : "default";
}

/** The start of an error line: `configs/tiny.yaml:4:3 train.steps` or `override 2 "train.stesp=5"`. */
export function whereText(source: Source, key: string): string {
  if (source.kind === "override") return `override ${source.index} "${clip(source.text)}"`;
  return key === "" ? sourceText(source) : `${sourceText(source)} ${key}`;
}

/** Files first, by place; overrides after them, by number. */
export function compareSources(a: Source, b: Source): number {
  if (a.kind === "file" && b.kind === "file") {
    return a.file === b.file ? a.line - b.line || a.col - b.col : a.file < b.file ? -1 : 1;
  }
  if (a.kind === "override" && b.kind === "override") return a.index - b.index;
  return rank(a) - rank(b);
}

/** A path as the user would type it: relative to the current folder where that is shorter. */
export function displayPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative !== "" && relative.length < file.length ? relative : file;
}

/** At most 60 characters of a text that came from outside, on one line. */
export function clip(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= 60 ? line : `${line.slice(0, 57)}...`;
}

function rank(source: Source): number {
  return ["file", "override", "default"].indexOf(source.kind);
}
