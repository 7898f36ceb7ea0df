import { oneLine } from "../../base/errors.ts";
import type { RowEntry } from "./rows.ts";

/** A row that cannot be read, or is not the one that the dataset lists. Its values must not be used. */
export class DamagedRow extends Error {
  override readonly name = "DamagedRow";
  /** Folder of the dataset. */
  readonly dir: string;
  readonly entry: RowEntry;
  /** The shard at fault; empty when the row is in none. */
  readonly file: string;
  /** What is wrong with it, to go after the row's name. */
  readonly reason: string;

  constructor(dir: string, entry: RowEntry, file: string, reason: string) {
    super(oneLine(`${file === "" ? "" : `${file}: `}clip ${entry.index} (${entry.source}) ${reason}`));
    this.dir = dir;
    this.entry = entry;
    this.file = file;
    this.reason = reason;
  }
}
