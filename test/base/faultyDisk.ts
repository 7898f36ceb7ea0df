/**
 * A disk that dies. While `run` lasts, the functions of node:fs/promises that change the disk count their calls; the
 * call of the chosen number and all after it fail, as if the process had been killed there. Afterwards a power loss can
 * be played: what was not synced is taken back.
 */
import { constants } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** kill: the process died, its writes stay. The others: the machine died, and unsynced bytes (and names) are lost. */
export type Death = "kill" | "bytes lost" | "bytes and names lost";
export const deaths: readonly Death[] = ["kill", "bytes lost", "bytes and names lost"];

/** How a call fails instead: once, or from there on. */
export interface Fault {
  readonly code: "ENOSPC" | "EIO";
  readonly kinds: readonly string[];
  /** Calls that do not match, as `kind path`, are not counted. All are when not given. */
  readonly on?: RegExp;
}

type NameChange =
  | { readonly kind: "made"; path: string }
  | { readonly kind: "renamed"; readonly from: string; path: string; readonly replaced: Buffer | undefined };

const WRITES = constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT;

const real = { open: fs.open, rename: fs.rename, rm: fs.rm, mkdir: fs.mkdir };

export class FaultyDisk {
  /** Every call that changes the disk, as `kind path`. */
  readonly calls: string[] = [];
  private readonly failAt: number;
  private readonly fault: Fault | undefined;
  private readonly unsyncedBytes = new Set<string>();
  private unsyncedNames: NameChange[] = [];

  /** @param failAt number of the first call that fails, from 0. @param fault when given, only that call fails, so. */
  constructor(failAt = Number.POSITIVE_INFINITY, fault?: Fault) {
    this.failAt = failAt;
    this.fault = fault;
  }

  /** Runs an action on this disk. True when it came to its end. */
  async run(action: () => Promise<unknown>): Promise<unknown> {
    Object.assign(fs, {
      open: async (path: string, flags: string | number = "r") => {
        const writes = typeof flags === "number" ? (flags & WRITES) !== 0 : flags !== "r";
        if (writes) this.step("open", path);
        const handle = await real.open(path, flags);
        if (writes) this.unsyncedNames.push({ kind: "made", path: resolve(path) });
        return this.wrap(handle, resolve(path));
      },
      rename: async (from: string, to: string) => {
        this.step("rename", to);
        const replaced = await fs.readFile(to).catch(() => undefined);
        await real.rename(from, to);
        this.move(resolve(from), resolve(to));
        this.unsyncedNames.push({ kind: "renamed", from: resolve(from), path: resolve(to), replaced });
      },
      rm: async (path: string, options: { recursive?: boolean; force?: boolean }) => {
        this.step("rm", path);
        await real.rm(path, options);
      },
      mkdir: async (path: string, options: { recursive: boolean }) => {
        this.step("mkdir", path);
        const first = await real.mkdir(path, options);
        if (first !== undefined) this.unsyncedNames.push({ kind: "made", path: first });
        return first;
      },
    });
    try {
      return await action();
    } finally {
      Object.assign(fs, real);
    }
  }

  /** Takes back what the machine's death would lose. */
  async die(death: Death): Promise<void> {
    if (death === "kill") return;
    for (const path of this.unsyncedBytes) await fs.truncate(path, 0).catch(() => undefined);
    if (death === "bytes lost") return;
    for (let change = this.unsyncedNames.pop(); change !== undefined; change = this.unsyncedNames.pop()) {
      if (change.kind === "made") await real.rm(change.path, { recursive: true, force: true });
      else {
        await real.rename(change.path, change.from).catch(() => undefined);
        this.move(change.path, change.from);
        if (change.replaced !== undefined) await fs.writeFile(change.path, change.replaced);
      }
    }
  }

  private step(kind: string, path: string): void {
    if (this.fault?.on?.test(`${kind} ${path}`) === false) return;
    const at = this.calls.push(`${kind} ${path}`) - 1;
    if (this.fault === undefined ? at >= this.failAt : at === this.failAt && this.fault.kinds.includes(kind)) {
      const code = this.fault?.code ?? "KILLED";
      throw Object.assign(new Error(`${code}: ${kind} ${path}`), { code });
    }
  }

  private wrap(handle: FileHandle, path: string): FileHandle {
    const write = async (bytes: Uint8Array, at: number, length: number) => {
      this.step("write", path);
      this.unsyncedBytes.add(path);
      return handle.write(bytes, at, length);
    };
    const sync = async () => {
      this.step("sync", path);
      this.unsyncedBytes.delete(path);
      this.unsyncedNames = this.unsyncedNames.filter((change) => dirname(change.path) !== path);
    };
    return new Proxy(handle, {
      get: (target, key) => {
        if (key === "write") return write;
        if (key === "sync") return sync;
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  }

  /** Unsynced things below a folder that gets another name go with it. */
  private move(from: string, to: string): void {
    const moved = (path: string) =>
      path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
    const bytes = [...this.unsyncedBytes].map(moved);
    this.unsyncedBytes.clear();
    for (const path of bytes) this.unsyncedBytes.add(path);
    for (const change of this.unsyncedNames) change.path = moved(change.path);
  }
}

/** Runs an action once for every point at which it can die, in every way, each time after `prepare`. */
export async function dieEverywhere(
  prepare: () => Promise<void>,
  action: () => Promise<unknown>,
  check: (where: string, finished: boolean) => Promise<void>,
): Promise<number> {
  let numDeaths = 0;
  for (const death of deaths) {
    for (let failAt = 0; ; failAt += 1) {
      await prepare();
      const disk = new FaultyDisk(failAt);
      const finished = await disk.run(action).then(
        () => true,
        () => false,
      );
      await disk.die(death);
      await check(`${death} at ${failAt}: ${disk.calls[failAt] ?? "the end"}`, finished);
      if (finished && disk.calls.length <= failAt) break;
      numDeaths += 1;
    }
  }
  return numDeaths;
}
