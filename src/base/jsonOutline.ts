/** What a JSON text would become, found out without building any of it. */
export interface JsonOutline {
  /** Levels of objects and lists in each other. */
  readonly depth: number;
  /** Values at least: opened objects and lists, and commas. */
  readonly numValues: number;
  /** The first key that an object repeats. */
  readonly repeatedKey: string | undefined;
}

export interface OutlineLimits {
  readonly depth: number;
  readonly numValues: number;
}

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Goes over a text once, in time and memory that grow with it. Stops where it exceeds a limit: then `depth` or
 * `numValues` is one above. What it says of a text that is no JSON means nothing.
 */
export function outlineOfJson(text: string, limits: OutlineLimits): JsonOutline {
  /** Keys of the objects that are open; undefined for lists. */
  const open: (Set<string> | undefined)[] = [];
  let numValues = 0;
  let depth = 0;
  let repeatedKey: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charCodeAt(at);
    if (letter === QUOTE) {
      const end = endOfText(text, at);
      if (repeatedKey === undefined && isBeforeColon(text, end)) {
        const key = decoded(text.slice(at + 1, end));
        const keys = open.at(-1);
        if (keys?.has(key)) repeatedKey = key;
        keys?.add(key);
      }
      at = end;
    } else if (letter === OPEN_OBJECT || letter === OPEN_LIST) {
      open.push(letter === OPEN_OBJECT ? new Set() : undefined);
      depth = Math.max(depth, open.length);
      numValues += 1;
    } else if (letter === CLOSE_OBJECT || letter === CLOSE_LIST) open.pop();
    else if (letter === COMMA) numValues += 1;
    if (depth > limits.depth || numValues > limits.numValues) break;
  }
  return { depth, numValues, repeatedKey };
}

/** Where the text in quotes that begins at `at` has its closing quote. */
function endOfText(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length) {
    const letter = text.charCodeAt(end);
    if (letter === QUOTE) return end;
    end += letter === BACKSLASH ? 2 : 1;
  }
  return text.length;
}

function isBeforeColon(text: string, end: number): boolean {
  let at = end + 1;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return text.charCodeAt(at) === COLON;
}

function decoded(body: string): string {
  if (!body.includes("\\")) return body;
  try {
    return String(JSON.parse(`"${body}"`));
  } catch {
    return body;
  }
}
