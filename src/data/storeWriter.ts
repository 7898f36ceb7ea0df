import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Interrupted, UserError } from "../base/errors.ts";
import { diskError, namesIn } from "../base/files.ts";
import type { JsonValue } from "../base/json.ts";
import { BuildFolder } from "./buildFolder.ts";
import {
  countGrids,
  MANIFEST_FILE,
  MANIFEST_VERSION,
  type MadeBy,
  type Manifest,
  type SkippedFile,
} from "./manifest.ts";
import type { ContentKind, NewRow, RowEntry } from "./shards/rows.ts";
import { type ShardLimits, ShardWriter } from "./shards/writer.ts";

export interface StoreOptions {
  readonly made: MadeBy;
  /**
   * What the rows are made from, beside the options in `made`. Where it is given, a build that was killed is gone on
   * with when it is started again with the same: `fill` starts at the writer's `cursor` and commits after each item.
   */
  readonly inputs?: JsonValue;
  /** Replace a dataset that is there. Default: refuse. */
  readonly overwrite?: boolean;
  readonly limits?: ShardLimits;
}

/** Takes the rows of a dataset folder of either kind, and the names of what was left out. */
export class StoreWriter {
  /** What was committed last in the build that this one goes on with; undefined at the start. */
  readonly cursor: JsonValue | undefined;
  private readonly shards: ShardWriter;
  private readonly build: BuildFolder;
  private readonly resumable: boolean;
  private readonly skipped: SkippedFile[];
  private numSkippedBefore: number;

  constructor(shards: ShardWriter, build: BuildFolder, resumable: boolean) {
    shards.resume(build.kept);
    this.cursor = build.kept.at(-1)?.cursor;
    this.shards = shards;
    this.build = build;
    this.resumable = resumable;
    this.skipped = build.kept.flatMap(({ skipped }) => [...skipped]);
    this.numSkippedBefore = this.skipped.length;
  }

  /** The folder that is being built. */
  get folder(): string {
    return this.build.path;
  }

  get clips(): number {
    return this.shards.entries.length;
  }

  /** Rows so far. */
  get entries(): readonly RowEntry[] {
    return this.shards.entries;
  }

  add(row: NewRow, values: Uint8Array): void {
    this.shards.add(row, values);
    if (!this.resumable) this.commit(null);
  }

  /** Adds a row with the values of an earlier one, which are stored once. */
  addRepeat(row: NewRow, of: number): void {
    this.shards.addRepeat(row, of);
  }

  /** Whether a row is listed without values. */
  isLost(index: number): boolean {
    return this.shards.isLost(index);
  }

  /** Lists a row whose values cannot be had, and why. */
  addLost(row: NewRow, reason: string): void {
    this.shards.addLost(row);
    this.skip(row.source, reason);
  }

  skip(file: string, reason: string): void {
    this.skipped.push({ file, reason });
  }

  /** Ends an item: a build that goes on with this one starts at a cursor that was given here. */
  commit(cursor: JsonValue): void {
    const sealed = this.shards.commit();
    if (sealed === undefined || !this.resumable) return;
    this.build.keep({ ...sealed, skipped: this.skipped.slice(this.numSkippedBefore), cursor });
    this.numSkippedBefore = this.skipped.length;
  }

  /** Writes what is left and tells what was written. */
  close(made: MadeBy): Manifest {
    const { shards, index, fingerprint } = this.shards.close();
    const { entries } = this.shards;
    return {
      schema: "kinema.dataset",
      version: MANIFEST_VERSION,
      kind: this.shards.kind,
      clips: entries.length,
      frames: entries.reduce((sum, { frames }) => sum + frames, 0),
      grids: countGrids(entries),
      shards: [...shards],
      index,
      skipped: this.skipped,
      fingerprint,
      made,
    };
  }
}

/**
 * Builds a dataset folder of either kind, all or nothing. What a build that failed or was killed had sealed is kept for
 * the next, unless there can be none: the user's mistake, or nothing to go on from.
 * @throws UserError when the folder is taken, another process builds it, or the disk refuses; whatever `fill` throws.
 */
export async function buildStore(
  dir: string,
  kind: ContentKind,
  { made, inputs, overwrite = false, limits }: StoreOptions,
  fill: (store: StoreWriter) => void | Promise<void>,
): Promise<Manifest> {
  await refuseTaken(dir, overwrite);
  const resumable = inputs !== undefined;
  const build = await BuildFolder.open(dir, resumable ? { kind, made: { ...made }, inputs } : undefined);
  const shards = new ShardWriter(build.path, kind, limits);
  try {
    const store = new StoreWriter(shards, build, resumable);
    await fill(store);
    const manifest = store.close(made);
    writeFileSync(join(build.path, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { flag: "wx" });
    await build.publish(overwrite);
    return manifest;
  } catch (error) {
    shards.release();
    const keepShards = resumable && shards.numShards > 0 && !(error instanceof UserError);
    await build.abandon({ keepShards });
    if (!(error instanceof Interrupted)) throw diskError(dir, error);
    const kept = keepShards ? `with ${shards.numSealed} clips kept; the same command goes on from there` : "early";
    throw new Interrupted(error.exitCode, `${dir}: ${error.message} ${kept}`);
  }
}

async function refuseTaken(dir: string, overwrite: boolean): Promise<void> {
  const names = await namesIn(dir);
  if (names.length === 0) return;
  if (!names.includes(MANIFEST_FILE)) {
    throw new UserError(dir, { expected: "a new folder, or a dataset to replace", got: "a folder of other files" });
  }
  if (!overwrite) {
    throw new UserError(dir, { expected: "a new folder", got: "a dataset", try: "another name, or --overwrite" });
  }
}
