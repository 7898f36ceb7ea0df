import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import {
  Composer,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type Scalar,
} from "yaml";
import { type Complaint, UserError } from "../base/errors.ts";
import type { MapEntry, Node } from "./node.ts";
import { clip, displayPath, type Source, whereText } from "./source.ts";

/**
 * The part of YAML that recipes use: mappings, lists, texts, numbers, true, false and null, in one document.
 * Recipes may come from strangers, so everything that can grow without bound is refused before it is built: big files,
 * deep nesting, anchors and aliases (`extends` composes recipes), tags, duplicate keys and `__proto__`.
 */
const maxBytes = 64 * 1024;
const maxLexemes = 10_000;
const maxDepth = 40;
/** What the lexer emits before the text of a plain or block scalar. */
const scalarMark = "\x1f";

/** Gives the source of a place in a text: 1-based line and column. */
export type Locate = (line: number, col: number) => Source;

/** Reads a recipe or a part of one. @throws UserError when it cannot be read or is not the YAML of recipes. */
export function readYamlFile(file: string, askedBy: string): Node {
  return parseYaml(readText(file, askedBy), (line, col) => ({ kind: "file", file, line, col }));
}

/** Parses one document. An empty one is an empty mapping. @throws UserError. */
export function parseYaml(text: string, locate: Locate): Node {
  const lines = new LineCounter();
  const at = (offset: number): Source => {
    const { line, col } = lines.linePos(offset);
    return locate(Math.max(1, line), Math.max(1, col));
  };
  const document = composeDocument(text, lines, at);
  const error = document?.errors[0];
  if (error !== undefined) fail(at(error.pos[0]), firstLine(error.message));
  if (document?.contents == null) return { type: "map", source: at(0), entries: new Map() };
  return nodeOf(document.contents, at, []);
}

function readText(file: string, askedBy: string): string {
  const wanted = { expected: "a readable YAML file" };
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const got = code === "ENOENT" ? `no such file ${displayPath(file)}` : `${code} on ${displayPath(file)}`;
    throw new UserError(askedBy, { ...wanted, got });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new UserError(askedBy, { ...wanted, got: `${displayPath(file)}, which is no file` });
    if (stat.size > maxBytes) {
      const got = `${stat.size} bytes in ${displayPath(file)}`;
      throw new UserError(askedBy, { expected: `a recipe of at most ${maxBytes / 1024} KiB`, got });
    }
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

/** Parses token by token, so that depth, anchors and aliases are seen before any node is built. */
function composeDocument(
  text: string,
  lines: LineCounter,
  at: (offset: number) => Source,
): Document.Parsed | undefined {
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({ uniqueKeys: false, logLevel: "silent" });
  const documents: Document.Parsed[] = [];
  const take = (tokens: Iterable<Parameters<Composer["next"]>[0]>) => {
    for (const token of tokens) documents.push(...(composer.next(token) as Iterable<Document.Parsed>));
  };
  lines.addNewLine(0);
  let isScalarText = false;
  let numLexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (!isScalarText && /^[&*]/.test(lexeme)) {
      const got = `an anchor or alias ${clip(lexeme)}`;
      fail(at(parser.offset), { expected: "plain values", got, try: "extends to share parts, or quote the text" });
    }
    numLexemes += 1;
    if (numLexemes > maxLexemes) {
      fail(at(parser.offset), { expected: "about a thousand values at most", got: "more", try: "fewer" });
    }
    isScalarText = lexeme === scalarMark;
    take(parser.next(lexeme));
    if (parser.stack.length > maxDepth) {
      fail(at(parser.offset), { expected: `at most ${maxDepth} levels of nesting`, got: "more" });
    }
  }
  take(parser.end());
  documents.push(...(composer.end(true, text.length) as Iterable<Document.Parsed>));
  if (documents.length > 1 && documents[1] !== undefined) {
    fail(at(documents[1].range[0]), { expected: "one document", got: "a second one" });
  }
  return documents[0];
}

function nodeOf(node: ParsedNode, at: (offset: number) => Source, path: readonly string[]): Node {
  const source = at(node.range[0]);
  const here = path.join(".");
  if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) {
    fail(source, { expected: "plain values", got: `the tag ${clip(node.tag)}` }, here);
  }
  if (isScalar(node)) return { type: "leaf", source, value: leafValue(node, source, here) };
  if (isSeq(node)) {
    const items = node.items.map((item, i) => nodeOf(item as ParsedNode, at, [...path, String(i)]));
    return { type: "list", source, items };
  }
  if (!isMap(node)) fail(source, { expected: "plain values", got: "an alias" }, here);
  const entries = new Map<string, MapEntry>();
  for (const pair of node.items as { key: ParsedNode; value: ParsedNode | null }[]) {
    const keySource = pair.key?.range === undefined ? source : at(pair.key.range[0]);
    const key = keyText(pair.key, keySource, here);
    const keyPath = [...path, key];
    if (key === "__proto__") fail(keySource, "this key is not allowed", keyPath.join("."));
    if (entries.has(key)) fail(keySource, "duplicate key; it is given above already", keyPath.join("."));
    const value: Node =
      pair.value === null ? { type: "leaf", source: keySource, value: null } : nodeOf(pair.value, at, keyPath);
    entries.set(key, { keySource, node: value });
  }
  return { type: "map", source, entries };
}

function keyText(key: ParsedNode, source: Source, here: string): string {
  if (!isScalar(key) || key.value === null) {
    fail(source, { expected: "a name before the colon", got: "something else" }, here);
  }
  return key.source ?? String(key.value);
}

function leafValue(scalar: Scalar.Parsed, source: Source, here: string): null | boolean | number | string {
  const value = scalar.value;
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string") {
    return value;
  }
  fail(source, { expected: "a text, number, true, false or null", got: clip(String(scalar.source)) }, here);
}

function firstLine(message: string): string {
  return (message.split("\n")[0] ?? message).replace(/ at line \d+, column \d+:?$/, "");
}

function fail(source: Source, complaint: Complaint | string, key = ""): never {
  throw new UserError(whereText(source, key), complaint);
}
