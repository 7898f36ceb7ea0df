import type { SchemaTree } from "hyparquet";
import { UserError } from "../../../base/errors.ts";

/** A column of the table: its name and its type as people write it, such as `struct<bytes: binary, path: string>`. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** Which columns hold the videos and the captions. */
export interface Columns {
  readonly video: string;
  readonly caption: string;
}

export interface ColumnChoice {
  readonly video?: string | undefined;
  readonly caption?: string | undefined;
}

/** Names that columns of paths, and of captions, have on hubs. Without such a name a text is taken for neither. */
const PATH_NAMES = ["path", "file", "file_name", "filename", "file_path"];
const VIDEO_NAMES = ["video", "videos", "mp4", "clip", "webm", "gif", "image", "images", "jpg", "png", "webp", "bytes"];
const CAPTION_NAMES = ["caption", "captions", "text", "prompt", "description", "txt", "title", "sentence"];

/** The columns of a parquet file, in their order. @throws Error when one has no name, which damaged footers bring about. */
export function columnsOf(schema: SchemaTree): Column[] {
  return schema.children.map((node) => ({ name: nameOf(node), type: typeOf(node) }));
}

/**
 * Chooses the columns: those that the user names, else the only ones that can be meant.
 * @throws UserError with all columns and their types when a name is none of them or more than one could be meant.
 */
export function chooseColumns(where: string, columns: readonly Column[], choice: ColumnChoice): Columns {
  const listed = columns.map(({ name, type }) => `${name} ${type}`).join(", ");
  const named = (option: string, name: string): Column => {
    const found = columns.find((column) => column.name === name);
    if (found !== undefined) return found;
    throw new UserError(`${where}: ${option}`, { expected: `one of the columns ${listed}`, got: name });
  };
  const guess = (option: string, what: string, found: Column | undefined): Column => {
    if (found !== undefined) return found;
    const got = `the columns ${listed}`;
    throw new UserError(where, { expected: `one column that can only be ${what}`, got, try: `${option} NAME` });
  };
  const video =
    choice.video === undefined
      ? guess("--video-column", "the videos", onlyVideo(columns))
      : named("--video-column", choice.video);
  const rest = columns.filter((column) => column !== video);
  const caption =
    choice.caption === undefined
      ? guess("--caption-column", "the captions", onlyCaption(rest))
      : named("--caption-column", choice.caption);
  return { video: video.name, caption: caption.name };
}

function onlyVideo(columns: readonly Column[]): Column | undefined {
  const encoded = columns.filter(
    ({ type }) => type === "binary" || /^struct<.*\b(bytes: binary|path: string)/.test(type),
  );
  if (encoded.length > 0) return only(encoded) ?? only(encoded.filter(({ name }) => isOneOf(name, VIDEO_NAMES)));
  const texts = columns.filter(({ type }) => type === "string");
  return only(texts.filter(({ name }) => isOneOf(name, [...VIDEO_NAMES, ...PATH_NAMES, "video_path", "image_path"])));
}

function onlyCaption(columns: readonly Column[]): Column | undefined {
  const texts = columns.filter(({ type }) =>
    /^(string|json|list<string>|struct<.*string.*>|map<string, string>)$/.test(type),
  );
  return only(texts.filter(({ name }) => isOneOf(name, CAPTION_NAMES))) ?? only(texts);
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function isOneOf(name: string, names: readonly string[]): boolean {
  return names.includes(name.toLowerCase());
}

function nameOf({ element }: SchemaTree): string {
  const name: unknown = element.name;
  if (typeof name !== "string") throw new Error("a column without a name");
  return name;
}

function typeOf(node: SchemaTree): string {
  const { element, children } = node;
  const { type, converted_type: converted, logical_type: logical } = element;
  const [first] = children;
  if (first === undefined) {
    if (converted === "UTF8" || logical?.type === "STRING" || converted === "ENUM") return "string";
    if (converted === "JSON" || logical?.type === "JSON") return "json";
    if (type === "BYTE_ARRAY" || type === "FIXED_LEN_BYTE_ARRAY") return "binary";
    return (logical?.type ?? converted ?? type ?? "unknown").toLowerCase();
  }
  if (converted === "LIST" || logical?.type === "LIST") return `list<${typeOf(first.children[0] ?? first)}>`;
  if (converted === "MAP" || logical?.type === "MAP") return `map<${first.children.map(typeOf).join(", ")}>`;
  return `struct<${children.map((child) => `${nameOf(child)}: ${typeOf(child)}`).join(", ")}>`;
}
