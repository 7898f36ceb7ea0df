import { appendFileSync, readFileSync } from "node:fs";
import fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { makeFolder, namesIn, publishFolder, removeFolder, removeLeftovers } from "../base/files.ts";
import { type FolderLock, LOCK_FILE, lockFolder } from "../base/folderLock.ts";
import { canonicalJson, type JsonValue } from "../base/json.ts";
import { faultOfFile, openShard } from "./shards/shardFiles.ts";
import type { SealedShard } from "./shards/writer.ts";

const JOURNAL = "build.jsonl";
const IN_USE = { wanted: "a dataset that nobody is making", does: "is making", try: "another name" };

const count = z.int().nonnegative();
const rowSchema = z.strictObject({
  entry: z.strictObject({
    index: count,
    hash: z.string(),
    caption: z.string(),
    source: z.string(),
    fps: z.number(),
    frames: count,
    height: count,
    width: count,
    grid: z.strictObject({ t: count, h: count, w: count }),
    channels: count,
    crc32c: count,
  }),
  place: z.strictObject({ shard: z.int().min(-1), offset: count }),
});
const keptSchema = z.strictObject({
  shard: z.strictObject({ file: z.string(), clips: count, bytes: count, sha256: z.string() }),
  rows: z.array(rowSchema),
  skipped: z.array(z.strictObject({ file: z.string(), reason: z.string() })),
  cursor: z.json() as z.ZodType<JsonValue>,
});

/** A whole shard of a build, and how far the build had come with it. */
export interface KeptShard extends SealedShard {
  /** Files left out since the shard before. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  /** What the maker of the rows goes on from. */
  readonly cursor: JsonValue;
}

/**
 * The folder in which a dataset is built, beside its final place and hidden. It is locked. A journal names each whole
 * shard, so that a build which was killed at any moment is gone on with from the last of them, or else cleaned away.
 */
export class BuildFolder {
  readonly path: string;
  /** Whole shards that an earlier build of the same inputs left, in order. */
  readonly kept: readonly KeptShard[];
  private readonly dir: string;
  private readonly lock: FolderLock;

  private constructor(dir: string, path: string, lock: FolderLock, kept: readonly KeptShard[]) {
    this.dir = dir;
    this.path = path;
    this.lock = lock;
    this.kept = kept;
  }

  /**
   * Opens the folder for a build of `dir`, and cleans it of what is not to be gone on with.
   * @param identity what the rows follow from; shards of another identity are not kept. Undefined: none are.
   * @throws UserError when another process builds it.
   */
  static async open(dir: string, identity: JsonValue | undefined): Promise<BuildFolder> {
    const path = join(dirname(dir), `.${basename(dir)}.building`);
    await makeFolder(path);
    const lock = lockFolder(path, IN_USE);
    try {
      await removeLeftovers(dirname(dir), basename(dir));
      const journal = join(path, JOURNAL);
      const head = identity === undefined ? "" : `${canonicalJson(identity)}\n`;
      const kept = identity === undefined ? [] : await wholeShards(path, readJournal(journal, head));
      const wanted = new Set([LOCK_FILE, ...kept.map(({ shard }) => shard.file)]);
      for (const name of await namesIn(path)) {
        if (!wanted.has(name)) await fs.rm(join(path, name), { recursive: true, force: true });
      }
      if (identity !== undefined) appendFileSync(journal, head + kept.map(journalLine).join(""));
      return new BuildFolder(dir, path, lock, kept);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Notes that a shard is whole. */
  keep(shard: KeptShard): void {
    appendFileSync(join(this.path, JOURNAL), journalLine(shard));
  }

  /** Gives the folder its final name. */
  async publish(replace: boolean): Promise<void> {
    await publishFolder(this.path, this.dir, { replace });
    for (const name of [JOURNAL, LOCK_FILE]) await fs.rm(join(this.dir, name), { force: true });
    this.lock.release();
  }

  /** Ends a build that failed. */
  async abandon({ keepShards }: { readonly keepShards: boolean }): Promise<void> {
    if (!keepShards) await removeFolder(this.path);
    this.lock.release();
  }
}

function journalLine(kept: KeptShard): string {
  return `${JSON.stringify(kept)}\n`;
}

/** What the journal says after `head`. A line that was cut short ends it. */
function* readJournal(path: string, head: string): Generator<KeptShard> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return;
  }
  if (!text.startsWith(head)) return;
  for (const line of text.slice(head.length).split("\n")) {
    const parsed = keptSchema.safeParse(parsedOrNothing(line));
    if (!parsed.success) return;
    yield parsed.data;
  }
}

function parsedOrNothing(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The shards up to the first that is not on the disk as it was written. */
async function wholeShards(path: string, listed: Iterable<KeptShard>): Promise<KeptShard[]> {
  const whole: KeptShard[] = [];
  for (const kept of listed) {
    const handle = await openShard(path, kept.shard).catch(() => undefined);
    if (handle === undefined) return whole;
    try {
      if ((await faultOfFile(handle, kept.shard)) !== undefined) return whole;
    } finally {
      await handle.close();
    }
    whole.push(kept);
  }
  return whole;
}
