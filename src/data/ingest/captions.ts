import { UserError } from "../../base/errors.ts";
import { readTextFile } from "../../base/plainFile.ts";

/**
 * Reads `file,caption` rows (CSV as in RFC 4180: quotes around fields with commas, line ends or quotes, quotes doubled).
 * Other columns are allowed and ignored. Gives captions by file, as written.
 * @throws UserError when it cannot be read, has no such columns, or names a file twice.
 */
export function readCaptions(path: string): Map<string, string> {
  let text: string;
  try {
    text = readTextFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(path, { expected: "a file of captions", got: error instanceof Error ? error.message : "none" });
  }
  return parseCaptions(text, path);
}

/** The captions by file that a text lists. @throws UserError as `readCaptions` does. */
export function parseCaptions(text: string, path: string): Map<string, string> {
  const [head, ...rows] = parseCsv(path, text.replace(/^\uFEFF/, ""));
  const fileColumn = head?.fields.indexOf("file") ?? -1;
  const captionColumn = head?.fields.indexOf("caption") ?? -1;
  if (head === undefined || fileColumn < 0 || captionColumn < 0) {
    throw new UserError(`${path}:1`, { expected: "the columns file,caption", got: head?.fields.join() ?? "nothing" });
  }
  const captions = new Map<string, string>();
  for (const { fields, line } of rows) {
    const [file, caption] = [fields[fileColumn], fields[captionColumn]];
    if (file === undefined || caption === undefined || fields.length !== head.fields.length) {
      throw new UserError(`${path}:${line}`, {
        expected: `${head.fields.length} fields`,
        got: String(fields.length),
        try: 'quotes around a caption with commas: "a red, round ball"',
      });
    }
    if (captions.has(file))
      throw new UserError(`${path}:${line}`, { expected: "each file once", got: `${file} again` });
    captions.set(file, caption.trim());
  }
  return captions;
}

interface CsvRow {
  readonly fields: readonly string[];
  /** Line on which it starts, from 1. */
  readonly line: number;
}

/** A field, quoted or plain, and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|\r|$)/y;

function parseCsv(path: string, text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let fields: string[] = [];
  let line = 1;
  let start = 1;
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length || fields.length > 0) {
    const [whole, quoted, plain, end] = FIELD.exec(text) ?? [];
    if (whole === undefined || end === undefined) {
      throw new UserError(`${path}:${line}`, { expected: "a field of CSV", got: "a quote out of place" });
    }
    fields.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    line += whole.split(/\r\n|\r|\n/).length - 1;
    if (end === ",") continue;
    if (fields.length > 1 || fields[0] !== "") rows.push({ fields, line: start });
    fields = [];
    start = line;
  }
  return rows;
}
