/**
 * One process at a time in a folder. The lock is a file that names its holder; it appears whole, by a hard link.
 * A holder that died leaves a stale lock, which the next start takes over.
 */
import fs from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { UserError } from "./errors.ts";
import { errorCode } from "./files.ts";
import { isJsonObject, type JsonValue } from "./json.ts";

/** Who holds a lock. */
export type LockHolder = {
  readonly host: string;
  readonly pid: number;
  /** What the system says about when the process started; tells a process from a later one of the same number. */
  readonly started: string;
};

export interface FolderLock {
  /** The holder that had died, if its lock was taken over. */
  readonly recovered: LockHolder | undefined;
  release(): void;
}

/** What a refusal says of a folder. */
export interface LockWords {
  /** What was wanted: `a run folder that nobody uses`. */
  readonly wanted: string;
  /** What the holder does in it: `is training in`. */
  readonly does: string;
  readonly try: string;
}

export const LOCK_FILE = "lock";

/** How often a holder shows that it lives, and after how long a silent one on another host counts as dead. */
const beatMs = 15_000;
const silentMs = 20 * beatMs;

/** Locks a folder. @throws UserError when a living process holds it. */
export function lockFolder(folder: string, words: LockWords): FolderLock {
  const path = join(folder, LOCK_FILE);
  const me: LockHolder = { host: hostname(), pid: process.pid, started: startOf(process.pid) };
  let recovered: LockHolder | undefined;
  while (!appear(path, me)) {
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (isAlive(path, holder)) throw refusal(folder, path, holder, words);
    if (takeAway(path, holder)) recovered = holder;
  }
  const beat = setInterval(() => touch(path), beatMs).unref();
  let held = true;
  return {
    recovered,
    release: () => {
      if (!held) return;
      held = false;
      clearInterval(beat);
      const holder = readHolder(path);
      if (holder !== undefined && sameHolder(holder, me)) fs.rmSync(path, { force: true });
    },
  };
}

/** Creates the lock with its content in one act. False when there is one already. */
function appear(path: string, me: LockHolder): boolean {
  const beside = `${path}.${me.pid}`;
  fs.writeFileSync(beside, `${JSON.stringify(me)}\n`);
  try {
    fs.linkSync(beside, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(beside, { force: true });
  }
}

/** Moves a stale lock away. Only one of several starters can move it; one that moved a newer lock puts it back. */
function takeAway(path: string, stale: LockHolder): boolean {
  const aside = `${path}.stale-${process.pid}`;
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
  const moved = readHolder(aside);
  const right = moved !== undefined && sameHolder(moved, stale);
  if (!right && !fs.existsSync(path)) fs.linkSync(aside, path);
  fs.rmSync(aside, { force: true });
  return right;
}

/** Undefined when the lock is gone. One that cannot be read counts as a dead process's. */
function readHolder(path: string): LockHolder | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  return parseHolder(text) ?? { host: hostname(), pid: 0, started: "" };
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    if (!isJsonObject(value)) return undefined;
    const { host, pid, started } = value;
    return typeof host === "string" && typeof pid === "number" && typeof started === "string"
      ? { host, pid, started }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(path: string, { host, pid, started }: LockHolder): boolean {
  if (host !== hostname()) return Date.now() - (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < silentMs;
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
  }
  const now = startOf(pid);
  return now === "" || started === "" || now === started;
}

/** On Linux boot and clock ticks at which a process started; elsewhere nothing, and the number alone must do. */
function startOf(pid: number): string {
  try {
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "dead, but not yet collected by its parent" : `${boot}:${fields[19]}`;
  } catch {
    return "";
  }
}

/** A heartbeat that fails must not stop the run. */
function touch(path: string): void {
  try {
    const now = new Date();
    fs.utimesSync(path, now, now);
  } catch {
    return;
  }
}

function sameHolder(a: LockHolder, b: LockHolder): boolean {
  return a.host === b.host && a.pid === b.pid && a.started === b.started;
}

function refusal(folder: string, path: string, { host, pid }: LockHolder, words: LockWords): UserError {
  const where = host === hostname() ? "" : ` on ${host}`;
  return new UserError(folder, {
    expected: words.wanted,
    got: `one that process ${pid}${where} ${words.does}`,
    try: `${words.try}, or wait; if that process is gone, delete ${path}`,
  });
}
