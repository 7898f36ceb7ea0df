/**
 * Loaded into a training process before anything else: a disk that stops at a chosen moment and tells the parent
 * process, which then kills this one. `KINEMA_CHAOS` is the moment: `sync 7`, before the seventh such call that changes
 * checkpoints, counted from the start of the process's first save (a write is half done); or `line 3`, after the third
 * line of log.jsonl.
 */
import files, { constants } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";

const WRITES = constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT;
const [kind = "", count = "0"] = (process.env.KINEMA_CHAOS ?? "").split(" ");
const moment = Number(count);
const real = { open: fs.open, rename: fs.rename, rm: fs.rm, mkdir: fs.mkdir, writeSync: files.writeSync };

let calls = 0;
let isSaving = false;

/** Counts a call; the chosen one never returns. `half` does a part of it first. */
async function step(what: string, path: string, half?: () => Promise<unknown>): Promise<void> {
  if (!path.includes("/checkpoints/")) return;
  isSaving ||= what === "mkdir";
  if (!isSaving || kind !== what) return;
  calls += 1;
  if (calls !== moment) return;
  await half?.();
  process.send?.(`${what} ${path}`);
  setInterval(() => undefined, 1000);
  await new Promise(() => undefined);
}

function wrap(handle: FileHandle, path: string): FileHandle {
  const write = async (bytes: Uint8Array, at: number, length: number) => {
    await step("write", path, () => handle.write(bytes, at, Math.floor(length / 2)));
    return handle.write(bytes, at, length);
  };
  const sync = async () => {
    await step("sync", path);
    await handle.sync();
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

Object.assign(fs, {
  open: async (path: string, flags: string | number = "r") => {
    const writes = typeof flags === "number" ? (flags & WRITES) !== 0 : flags !== "r";
    if (writes) await step("open", path);
    return wrap(await real.open(path, flags), path);
  },
  rename: async (from: string, to: string) => {
    await step("rename", to);
    await real.rename(from, to);
  },
  rm: async (path: string, options: { recursive?: boolean; force?: boolean }) => {
    await step("rm", path);
    await real.rm(path, options);
  },
  mkdir: async (path: string, options: { recursive: boolean }) => {
    await step("mkdir", path);
    return real.mkdir(path, options);
  },
});

let lines = 0;
Object.assign(files, {
  writeSync: (file: number, bytes: Uint8Array) => {
    const written = real.writeSync(file, bytes);
    if (Buffer.from(bytes).includes('"step":')) lines += 1;
    if (kind === "line" && lines === moment) process.send?.(`line ${lines}`);
    return written;
  },
});

process.channel?.unref();
