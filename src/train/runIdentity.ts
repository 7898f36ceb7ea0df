/** What makes two starts the same run, and what is told about each start. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { UserError } from "../base/errors.ts";
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../base/json.ts";

/** Where an identity holds the resolved recipe. */
const CONFIG = "config.";

/** One key whose value differs. An absent value is undefined. */
export interface Difference {
  /** Dotted, e.g. `model.blocks.3.width`. */
  readonly key: string;
  readonly before: JsonValue | undefined;
  readonly now: JsonValue | undefined;
}

/**
 * The keys at which two trees differ, in the order of the first tree.
 * @param mayChange key paths that do not count, each with everything below it, e.g. `train.steps`.
 */
export function differences(before: JsonValue, now: JsonValue, mayChange: readonly string[] = []): Difference[] {
  return compare("", before, now, new Set(mayChange));
}

/** How `--allow-change` names a key: without `config.`, or as one of the things that the recipe does not hold. */
export function allowanceFor(key: string): string {
  return key.startsWith(CONFIG) ? key.slice(CONFIG.length) : key.replace(/\..*$/s, "");
}

/** Whether an allowance covers a key: it names it, with or without `config.`, or something above it. */
export function covers(allowed: string, key: string): boolean {
  return [allowed, CONFIG + allowed].some((path) => key === path || key.startsWith(`${path}.`));
}

/** @throws UserError when an allowance names nothing that these identities hold: it would do nothing. */
export function refuseUnknownKeys(allowed: readonly string[], identities: readonly JsonObject[]): void {
  const isKnown = (name: string) =>
    name === "code" ||
    identities.some((identity) => [name, CONFIG + name].some((path) => valueAt(identity, path) !== undefined));
  const unknown = allowed.find((name) => !isKnown(name));
  if (unknown === undefined) return;
  throw new UserError("--allow-change", { expected: "a key of the recipe, data, vae or code", got: unknown });
}

/** `model.width 384 -> 512`. @param names what to call a key path, with all below it. */
export function showDifference({ key, before, now }: Difference, names: Readonly<Record<string, string>> = {}): string {
  const show = (value: JsonValue | undefined) => {
    const text = value === undefined ? "none" : canonicalJson(value);
    return text.length > 60 ? `${text.slice(0, 57)}...` : text;
  };
  const named = Object.entries(names).find(([path]) => key === path || key.startsWith(`${path}.`));
  const name = named === undefined ? key : `${named[1]}:${key.slice(named[0].length).replaceAll(".", " ")}`;
  return `${name === "" ? "the whole" : name} ${show(before)} -> ${show(now)}`;
}

/** The program and the system of one start: for run.json. */
export function describeStart(): JsonObject {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const { version } = parseJsonObject(fs.readFileSync(`${root}/package.json`, "utf8"), `${root}/package.json`);
  return {
    at: new Date().toISOString(),
    kinema: version ?? null,
    ...describeCommit(root),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    host: hostname(),
  };
}

function compare(
  key: string,
  before: JsonValue | undefined,
  now: JsonValue | undefined,
  mayChange: ReadonlySet<string>,
): Difference[] {
  if (mayChange.has(key)) return [];
  const [old, fresh] = [childrenOf(before), childrenOf(now)];
  if (old === undefined || fresh === undefined) {
    const same = before !== undefined && now !== undefined && canonicalJson(before) === canonicalJson(now);
    return same ? [] : [{ key, before, now }];
  }
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((name) =>
    compare(key === "" ? name : `${key}.${name}`, old.get(name), fresh.get(name), mayChange),
  );
}

function valueAt(tree: JsonValue, path: string): JsonValue | undefined {
  return path.split(".").reduce<JsonValue | undefined>((at, name) => childrenOf(at)?.get(name), tree);
}

function childrenOf(value: JsonValue | undefined): ReadonlyMap<string, JsonValue> | undefined {
  if (Array.isArray(value)) return new Map(value.map((item, i) => [String(i), item]));
  return isJsonObject(value) ? new Map(Object.entries(value)) : undefined;
}

/** The commit that the program runs from, where it runs from a clone and git is there. */
function describeCommit(root: string): JsonObject {
  if (!fs.existsSync(`${root}/.git`)) return {};
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no").length > 0;
    return { commit: git("rev-parse", "HEAD").toString().trim(), changedSinceCommit: changed };
  } catch {
    return {};
  }
}
