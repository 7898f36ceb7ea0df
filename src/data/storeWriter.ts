import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, UserError } from "../base/errors.ts";
import { namesIn, writeFolderAtomic } from "../base/files.ts";
import { countGrids, MANIFEST_FILE, type MadeBy, type Manifest, type SkippedFile } from "./manifest.ts";
import type { ContentKind, RowEntry } from "./shards/rows.ts";
import { type ShardLimits, ShardWriter } from "./shards/writer.ts";

export interface StoreOptions {
  readonly made: MadeBy;
  /** Replace a dataset that is there. Default: refuse. */
  readonly overwrite?: boolean;
  readonly limits?: ShardLimits;
}

/** Takes the rows of a dataset folder of either kind, and the names of what was left out. */
export class StoreWriter {
  private readonly shards: ShardWriter;
  private readonly shapes: Pick<RowEntry, "frames" | "height" | "width">[] = [];
  private readonly skipped: SkippedFile[] = [];

  constructor(shards: ShardWriter) {
    this.shards = shards;
  }

  get clips(): number {
    return this.shapes.length;
  }

  add(entry: Omit<RowEntry, "index">, values: Uint8Array): void {
    this.shards.add(entry, values);
    this.shapes.push({ frames: entry.frames, height: entry.height, width: entry.width });
  }

  skip(file: string, reason: string): void {
    this.skipped.push({ file, reason });
  }

  /** Writes what is left and tells what was written. */
  close(made: MadeBy): Manifest {
    const { shards, index, fingerprint } = this.shards.close();
    return {
      schema: "kinema.dataset",
      version: 1,
      kind: this.shards.kind,
      clips: this.shapes.length,
      frames: this.shapes.reduce((sum, { frames }) => sum + frames, 0),
      grids: countGrids(this.shapes),
      shards: [...shards],
      index,
      skipped: this.skipped,
      fingerprint,
      made,
    };
  }
}

/** Builds a dataset folder of either kind, all or nothing. @throws UserError when the folder is taken. */
export async function buildStore(
  dir: string,
  kind: ContentKind,
  { made, overwrite = false, limits }: StoreOptions,
  fill: (store: StoreWriter) => void | Promise<void>,
): Promise<Manifest> {
  await refuseTaken(dir, overwrite);
  let built: Manifest | undefined;
  await writeFolderAtomic(
    dir,
    async (folder) => {
      const shards = new ShardWriter(folder, kind, limits);
      try {
        const store = new StoreWriter(shards);
        await fill(store);
        built = store.close(made);
        writeFileSync(join(folder, MANIFEST_FILE), `${JSON.stringify(built, null, 2)}\n`, { flag: "wx" });
      } finally {
        shards.release();
      }
    },
    { replace: overwrite },
  );
  assert(built !== undefined, "a folder that was filled has a manifest");
  return built;
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
