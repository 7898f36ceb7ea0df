import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetSource } from "../../../src/data/ingest/parquet/parquetSource.ts";
import { ParquetReader } from "../../../src/data/ingest/parquet/reader.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

const goldens = fileURLToPath(new URL("../../goldens/parquet", import.meta.url));
/** Larger files are for other tests: a change would seldom meet what matters in them. */
const maxBytes = 20_000;
const timeoutMs = 5000;
const maxItems = 10_000;

/**
 * Parquet files of videos and captions: the footer, the pages, and what their rows name. They are parsed in a thread of
 * their own, whose memory is bounded by its limits and not measured here.
 */
export function openParquet(scratch: string): FuzzTarget {
  const path = join(scratch, "table.parquet");
  const seeds = readdirSync(goldens)
    .filter((file) => file.endsWith(".parquet"))
    .map((file) => readFileSync(join(goldens, file)))
    .filter((bytes) => bytes.length <= maxBytes);
  const reader = new ParquetReader(timeoutMs);
  return {
    name: "parquet",
    runs: 20_000,
    slice: 200,
    maxMs: 3 * timeoutMs,
    inputs: mutations(seeds, ["PAR1", "../x", "\xff\xff\xff\xff\x7f", "\0\0\0\0"]),
    read: async (bytes) => {
      writeFileSync(path, bytes);
      const source = await parquetSource([path], {}, reader);
      try {
        let numItems = 0;
        for await (const { content } of source.items(0)) {
          if ("path" in content && !content.path.startsWith(scratch)) throw new Error(`${content.path} is elsewhere`);
          numItems += 1;
          if (numItems > maxItems) throw new Error("items without end");
        }
      } finally {
        await source.close();
      }
    },
    close: () => reader.close(),
  };
}
