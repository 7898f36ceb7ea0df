import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SchemaTree } from "hyparquet";
import sharp from "sharp";
import { Interrupted, UserError } from "../../../src/base/errors.ts";
import { KeyedRandom } from "../../../src/base/random.ts";
import { openDataset } from "../../../src/data/dataset.ts";
import { folderSource } from "../../../src/data/ingest/folderSource.ts";
import { ingest, ingestSchema } from "../../../src/data/ingest/ingest.ts";
import { openDecoders } from "../../../src/data/ingest/openDecoders.ts";
import { captionCell, videoCell } from "../../../src/data/ingest/parquet/cells.ts";
import { chooseColumns, columnsOf } from "../../../src/data/ingest/parquet/columns.ts";
import { type ParquetChoice, parquetFiles, parquetSource } from "../../../src/data/ingest/parquet/parquetSource.ts";
import { ParquetReader } from "../../../src/data/ingest/parquet/reader.ts";
import { ParquetTable, type Slice } from "../../../src/data/ingest/parquet/table.ts";
import type { SourceItem } from "../../../src/data/ingest/source.ts";
import { datasetStats } from "../../../src/data/stats.ts";
import { scratchFolder } from "../scratch.ts";

const goldens = fileURLToPath(new URL("../../goldens/", import.meta.url));
const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const golden = (name: string): string => join(goldens, "parquet", `${name}.parquet`);

interface Expected {
  readonly columns: Readonly<Record<string, string>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}
const expected: Readonly<Record<string, Expected>> = JSON.parse(readFileSync(join(goldens, "parquet.json"), "utf8"));

/** A cell as the goldens have it. */
function noted(cell: unknown): unknown {
  if (cell instanceof Uint8Array) return { sha256: createHash("sha256").update(cell).digest("hex") };
  if (typeof cell === "bigint") return Number(cell);
  if (cell === undefined) return null;
  if (Array.isArray(cell) || typeof cell !== "object" || cell === null) return cell;
  return Object.fromEntries(Object.entries(cell).map(([key, value]) => [key, noted(value)]));
}

/** One thread for all: the files are opened anew each time. */
const reader = new ParquetReader();
after(() => reader.close());

async function itemsOf(paths: readonly string[], choice: ParquetChoice = {}, from = 0): Promise<SourceItem[]> {
  const source = await parquetSource(paths, choice, reader);
  try {
    const items: SourceItem[] = [];
    for await (const item of source.items(from)) items.push(item);
    return items;
  } finally {
    await source.close();
  }
}

describe("parquet tables", () => {
  for (const [name, { rows }] of Object.entries(expected)) {
    it(`are read as pyarrow reads them: ${name}`, async () => {
      const table = await ParquetTable.open(golden(name));
      const columns = table.columns.map((column) => column.name);
      assert.deepEqual(columns, Object.keys(expected[name]?.columns ?? {}));
      for (const from of [0, 1, rows.length - 1]) {
        const read: unknown[] = [];
        for await (const slice of table.slices(columns, from)) {
          assert.equal(slice.start, from + read.length);
          read.push(...(slice.rows ?? []).map(noted));
        }
        assert.deepEqual(read, rows.slice(from));
      }
      await table.close();
    });
  }

  it("have types as people write them", async () => {
    for (const [name, { columns }] of Object.entries(expected)) {
      const table = await ParquetTable.open(golden(name));
      const types = Object.fromEntries(table.columns.map((column) => [column.name, column.type]));
      const known = Object.entries(columns).map(([key, type]) => [
        key,
        type.replace("large_", "").replace(/list<\w+: string>/, "list<string>"),
      ]);
      assert.deepEqual(types, Object.fromEntries(known));
      await table.close();
    }
  });
});

describe("columns of videos and captions", () => {
  it("are refused when a damaged footer gives one no name, at any depth", () => {
    const leaf = { path: [], count: 1, children: [], element: { type: "BYTE_ARRAY" } };
    for (const children of [[leaf], [{ ...leaf, element: { name: "video" }, children: [leaf] }]]) {
      const tree: SchemaTree = JSON.parse(JSON.stringify({ ...leaf, children }));
      assert.throws(() => columnsOf(tree), /a column without a name/);
    }
  });

  const choose = async (name: string, choice = {}) => {
    const table = await ParquetTable.open(golden(name));
    await table.close();
    return chooseColumns(basename(table.path), table.columns, choice);
  };

  it("are found where only one of each can be meant", async () => {
    assert.deepEqual(await choose("hub-snappy"), { video: "video", caption: "caption" });
    assert.deepEqual(await choose("lists-zstd"), { video: "mp4", caption: "captions" });
    assert.deepEqual(await choose("paths-gzip"), { video: "file_name", caption: "text" });
    assert.deepEqual(await choose("pictures-none", { caption: "json" }), { video: "image", caption: "json" });
  });

  it("are asked for with a list of all where not", async () => {
    const all = "left binary, right binary, one string, two string";
    await assert.rejects(choose("ambiguous"), {
      name: "UserError",
      message: `ambiguous.parquet: expected one column that can only be the videos, got the columns ${all}; try --video-column NAME`,
    });
    await assert.rejects(
      choose("ambiguous", { video: "left" }),
      /can only be the captions, .*; try --caption-column NAME$/,
    );
    await assert.rejects(
      choose("pictures-none"),
      /can only be the captions, got the columns image struct<bytes: binary/,
    );
    await assert.rejects(choose("hub-snappy", { video: "film" }), {
      message:
        "hub-snappy.parquet: --video-column: expected one of the columns id int64, video struct<bytes: binary, path: string>, caption string, got film",
    });
    assert.deepEqual(await choose("ambiguous", { video: "right", caption: "two" }), { video: "right", caption: "two" });
  });
});

describe("cells", () => {
  it("hold captions as texts, in lists, structs and JSON", () => {
    const cases: [unknown, string | undefined, string | undefined][] = [
      [" a ball ", undefined, "a ball"],
      ["", undefined, undefined],
      [null, undefined, undefined],
      [["", "second", "third"], undefined, "second"],
      [["first", "second"], "1", "second"],
      [["first"], "7", undefined],
      [{ short: "s", long: "l" }, "long", "l"],
      [{ short: "s", long: "l" }, undefined, undefined],
      [{ only: "one" }, undefined, "one"],
      [{ short: "s" }, "toString", undefined],
      ['{"caption": "j", "n": 3}', "caption", "j"],
      ['{"caption": ["k", "l"]}', "caption", "k"],
      ["{", "caption", undefined],
      ['["m", "n"]', "1", "n"],
    ];
    for (const [cell, key, caption] of cases)
      assert.equal(captionCell(cell, key), caption, JSON.stringify([cell, key]));
  });

  it("hold videos as bytes, as a path, or as both", () => {
    const bytes = Uint8Array.of(1, 2);
    assert.deepEqual(videoCell(bytes), { bytes, name: undefined });
    assert.deepEqual(videoCell({ bytes, path: "a.mp4" }), { bytes, name: "a.mp4" });
    assert.deepEqual(videoCell({ bytes: null, path: "a.mp4" }), { path: "a.mp4" });
    assert.deepEqual(videoCell("a.mp4"), { path: "a.mp4" });
    for (const nothing of [null, undefined, "", new Uint8Array(), {}, { bytes: null, path: null }, 7]) {
      assert.ok("reason" in videoCell(nothing));
    }
  });
});

describe("ingest of parquet files", function () {
  this.timeout(120_000);
  const scratch = scratchFolder();
  const config = ingestSchema.parse({ multiple: 8, fps: 8 });

  before(async function () {
    const decoders = await openDecoders("auto", 10_000);
    await Promise.all(decoders.map((decoder) => decoder.close()));
    if (decoders.length > 1) return;
    console.log("      skipped: neither node-av nor ffmpeg is installed");
    this.skip();
  });

  async function take(paths: readonly string[], out: string, choice: ParquetChoice = {}, changes = {}) {
    const source = await parquetSource(paths, choice);
    try {
      const manifest = await ingest(source, out, { ...config, ...changes });
      const dataset = await openDataset(out);
      await dataset.close();
      return { manifest, entries: dataset.entries };
    } finally {
      await source.close();
    }
  }

  it("gives the clips that the same videos in a folder give, and names each bad row", async () => {
    const out = join(scratch(), "hub");
    const { entries, manifest } = await take([golden("hub-snappy")], out);
    const dir = join(scratch(), "folder");
    mkdirSync(dir);
    for (const name of ["bars.mp4", "bars.gif", "bars.webp"]) copyFileSync(join(fixtures, name), join(dir, name));
    writeFileSync(
      join(dir, "c.csv"),
      'file,caption\nbars.mp4,"bars, moving"\nbars.gif,small bars\nbars.webp,webp bars\n',
    );
    const folder = join(scratch(), "from-folder");
    await ingest(await folderSource(dir, join(dir, "c.csv")), folder, config);
    const same = await openDataset(folder);
    assert.deepEqual(entries.map(({ hash }) => hash).sort(), same.entries.map(({ hash }) => hash).sort());
    await same.close();
    assert.equal(entries[0]?.source, "hub-snappy.parquet row 0 (a.mp4) from 0.13 s");
    const reasons: [string, RegExp][] = [
      ["hub-snappy.parquet row 3 (damaged.mp4)", /^decodes with \d+ errors?, first: ./],
      ["hub-snappy.parquet row 4", /^has no video$/],
      ["hub-snappy.parquet row 5 (x.mp4)", /^is of no kind of video or picture that is known here$/],
      ["hub-snappy.parquet row 6 (no-caption.mkv)", /^has no caption$/],
    ];
    assert.equal(manifest.skipped.length, reasons.length);
    for (const [i, [file, reason]] of reasons.entries()) {
      assert.equal(manifest.skipped[i]?.file, file);
      assert.match(manifest.skipped[i]?.reason ?? "", reason);
    }
    assert.ok(!existsSync(join(out, "incoming.mp4")));
  });

  it("takes the first caption of a list, or another by its number", async () => {
    const captions = async (key?: string) =>
      (await itemsOf([golden("lists-zstd")], { captionKey: key })).map(({ caption }) => caption);
    assert.deepEqual(await captions(), ["first", "other", undefined]);
    assert.deepEqual(await captions("1"), ["second", "other", undefined]);
  });

  it("follows paths beside the file and nowhere else", async () => {
    const dir = join(scratch(), "paths");
    mkdirSync(join(dir, "videos"), { recursive: true });
    copyFileSync(golden("paths-gzip"), join(dir, "paths.parquet"));
    copyFileSync(join(fixtures, "bars.mp4"), join(dir, "videos", "bars.mp4"));
    copyFileSync(join(fixtures, "bars.mp4"), join(scratch(), "outside.mp4"));
    const files = await parquetFiles([dir]);
    assert.deepEqual(files, [join(dir, "paths.parquet")]);
    const { entries, manifest } = await take(files, join(scratch(), "paths-set"), { captionKey: "long" });
    assert.deepEqual(
      entries.map(({ caption, source }) => [caption, source]),
      [["long 0", "paths.parquet row 0 (videos/bars.mp4) from 0.13 s"]],
    );
    assert.deepEqual(
      manifest.skipped.map(({ reason }) => reason.replace(/: .*/, "")),
      ["names a file elsewhere", "names a file that is not there", "names a file elsewhere"],
    );
  });

  it("takes pictures as clips of one frame, upright", async () => {
    const choice = { caption: "json", captionKey: "caption" };
    const out = join(scratch(), "pictures");
    const { entries } = await take([golden("pictures-none")], out, choice, { fps: 30 });
    assert.deepEqual(
      entries.map(({ frames, height, width, caption, source }) => [frames, height, width, caption, source]),
      [
        [1, 48, 80, "a picture", "pictures-none.parquet row 0 (1.jpg)"],
        [1, 24, 40, "a small picture", "pictures-none.parquet row 1 (2.png)"],
      ],
    );
    const dir = join(scratch(), "turned");
    mkdirSync(dir);
    const picture = sharp(join(fixtures, "bars.jpg"));
    const fine = { quality: 100, chromaSubsampling: "4:4:4" };
    await picture.clone().withMetadata({ orientation: 6 }).jpeg(fine).toFile(join(dir, "turned.jpg"));
    await picture.clone().rotate(90).png().toFile(join(dir, "upright.png"));
    writeFileSync(join(dir, "c.csv"), "file,caption\nturned.jpg,a\nupright.png,b\n");
    const turned = join(scratch(), "turned-set");
    await ingest(await folderSource(dir, join(dir, "c.csv")), turned, config);
    const dataset = await openDataset(turned);
    const [one, other] = [await dataset.readFrames(0), await dataset.readFrames(1)];
    assert.deepEqual([dataset.entries[0]?.height, dataset.entries[0]?.width], [80, 48]);
    const off = one.reduce((sum, value, i) => sum + Math.abs(value - (other[i] as number)), 0) / one.length;
    assert.ok(off < 6, `off by ${off} of 255`);
    await dataset.close();
  });

  it("counts a decoder that takes too long as failed, and stops when too many do", async () => {
    const slow = { timeoutSeconds: 0.001, maxFailed: 1 };
    await assert.rejects(take([golden("lists-zstd")], join(scratch(), "slow"), {}, slow), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /got 3 that cannot, the last because: (took longer than 0\.001 s to decode|has no caption)/,
      );
      return true;
    });
  });

  it("goes on after an interruption, to the same dataset", async () => {
    const choice = {};
    const paths = [golden("hub-snappy"), golden("hub-snappy")];
    const whole = await take(paths, join(scratch(), "uncut"), choice);
    const out = join(scratch(), "cut");
    const names: string[] = [];
    const start = async (stopAt: string) => {
      const source = await parquetSource(paths, choice);
      const controller = new AbortController();
      try {
        return await ingest(source, out, config, {
          aborts: controller.signal,
          onProgress: (done, name) => {
            names.push(name);
            if (`${done}` === stopAt) controller.abort(new Interrupted(130, "stopped by SIGINT"));
          },
        });
      } finally {
        await source.close();
      }
    };
    await assert.rejects(start("5"), /cut: stopped by SIGINT early$/);
    const manifest = await start("never");
    assert.equal(manifest.fingerprint, whole.manifest.fingerprint);
    assert.deepEqual(manifest.skipped, whole.manifest.skipped);
    assert.equal(datasetStats(out).clips, 6);
  });

  it("reads from any row on, over several files", async () => {
    const paths = [golden("hub-snappy"), golden("hub-snappy")];
    const all = (await itemsOf(paths)).map(({ name }) => name);
    assert.equal(all.length, 14);
    for (const from of [1, 4, 7, 10, 13, 14]) {
      assert.deepEqual(
        (await itemsOf(paths, {}, from)).map(({ name }) => name),
        all.slice(from),
      );
    }
  });

  it("refuses what is no parquet file, and files with other columns", async () => {
    await assert.rejects(parquetSource([join(fixtures, "bars.mp4")], {}), /bars\.mp4: expected a parquet file, got /);
    await assert.rejects(
      parquetSource([join(scratch(), "none.parquet")], {}),
      /none\.parquet: expected a parquet file, got ENOENT/,
    );
    await assert.rejects(
      parquetSource([golden("hub-snappy"), golden("lists-zstd")], {}),
      /lists-zstd\.parquet column video: expected struct<bytes: binary, path: string>, as in .*, got no such column/,
    );
    const cut = join(scratch(), "cut.parquet");
    copyFileSync(golden("hub-snappy"), cut);
    truncateSync(cut, 3000);
    await assert.rejects(parquetSource([cut], {}), /cut\.parquet: expected a parquet file, got /);
  });

  it("gives up a row group whose reading takes too long, and reads on", async () => {
    const [impatient, patient] = [new ParquetReader(1), new ParquetReader()];
    try {
      const table = await patient.open(golden("hub-snappy"));
      const slices: Slice[] = [];
      for await (const slice of impatient.slices(table, ["video"], 0)) slices.push(slice);
      assert.deepEqual(
        slices.map(({ end }) => end),
        table.groupEnds,
      );
      assert(slices.every(({ rows, reason }) => rows === undefined && /took longer than 0\.001 s/.test(reason)));
    } finally {
      await Promise.all([impatient.close(), patient.close()]);
    }
  });

  it("reads damaged files to the end, or refuses them in one line", async () => {
    const whole = readFileSync(golden("hub-snappy"));
    const random = new KeyedRandom(5, "test.parquet");
    const file = join(scratch(), "damaged.parquet");
    let unreadable = 0;
    for (let trial = 0; trial < 150; trial++) {
      const bytes = Uint8Array.from(whole);
      const tail = trial % 2 === 0 ? bytes.length : 3000;
      for (let flip = 0; flip < 3; flip++) bytes[bytes.length - 1 - random.int(tail)] = random.int(256);
      writeFileSync(file, bytes);
      try {
        const items = await itemsOf([file]);
        unreadable += items.filter(({ count = 1 }) => count > 1).length;
      } catch (error) {
        assert.ok(error instanceof UserError, `trial ${trial}: ${error instanceof Error ? error.stack : error}`);
        unreadable += 1;
      }
    }
    assert.ok(unreadable > 10, `${unreadable} of 150 trials met damage`);
  });
});
