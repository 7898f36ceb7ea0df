import { isJsonObject, type JsonValue } from "../../../base/json.ts";

/** What a cell of the column of videos holds: the bytes of a file, or the path of one; else why neither. */
export type VideoCell =
  | { readonly bytes: Uint8Array; readonly name: string | undefined }
  | { readonly path: string }
  | { readonly reason: string };

/** Reads a cell: bytes, a path, or a struct of both as hubs have it, where the bytes count when they are there. */
export function videoCell(cell: unknown): VideoCell {
  if (cell instanceof Uint8Array)
    return cell.length > 0 ? { bytes: cell, name: undefined } : { reason: "has no bytes" };
  if (typeof cell === "string") return cell === "" ? { reason: "has no path" } : { path: cell };
  if (typeof cell === "object" && cell !== null) {
    const [bytes, path] = [Reflect.get(cell, "bytes"), Reflect.get(cell, "path")];
    const name = typeof path === "string" && path !== "" ? path : undefined;
    if (bytes instanceof Uint8Array && bytes.length > 0) return { bytes, name };
    if (name !== undefined) return { path: name };
  }
  return { reason: "has no video" };
}

/**
 * The caption in a cell: a text; the first text of a list, or the one at `key`; the member `key` of a struct, a map or a
 * JSON text. Undefined when there is none.
 */
export function captionCell(cell: unknown, key: string | undefined): string | undefined {
  if (typeof cell === "string") {
    if (key === undefined) return text(cell);
    const parsed = parsedJson(cell);
    return isJsonObject(parsed) || Array.isArray(parsed) ? captionCell(parsed, key) : undefined;
  }
  if (Array.isArray(cell)) {
    if (key !== undefined) return text(cell[Number(key)]);
    return cell.map(text).find((found) => found !== undefined);
  }
  if (typeof cell !== "object" || cell === null) return undefined;
  if (key !== undefined) return Object.hasOwn(cell, key) ? captionCell(Reflect.get(cell, key), undefined) : undefined;
  const texts = Object.values(cell).filter((value) => typeof value === "string");
  return texts.length === 1 ? text(texts[0]) : undefined;
}

function text(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const trimmed = value.trim();
  return trimmed === "" ? undefined : trimmed;
}

function parsedJson(cell: string): JsonValue | undefined {
  try {
    return JSON.parse(cell);
  } catch {
    return undefined;
  }
}
