import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDataset } from "../../../src/data/dataset.ts";
import { readCaptions } from "../../../src/data/ingest/captions.ts";
import { folderSource } from "../../../src/data/ingest/folderSource.ts";
import { chooseSize, coverSize } from "../../../src/data/ingest/geometry.ts";
import { type IngestConfig, type IngestOptions, ingest, ingestSchema } from "../../../src/data/ingest/ingest.ts";
import { openDecoders } from "../../../src/data/ingest/openDecoders.ts";
import { cutWindows } from "../../../src/data/ingest/windows.ts";
import { datasetStats } from "../../../src/data/stats.ts";
import { scratchFolder } from "../scratch.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const realClips = fileURLToPath(new URL("../../../../shared/clips/", import.meta.url));

describe("chooseSize", () => {
  it("takes of a set the nearest aspect ratio, and of like ones the first", () => {
    const sizes = [
      { width: 48, height: 32 },
      { width: 32, height: 32 },
      { width: 96, height: 64 },
      { width: 32, height: 48 },
    ];
    for (const [width, height, index] of [
      [1920, 1080, 0],
      [1000, 999, 1],
      [9, 16, 3],
      [3, 2, 0],
      [5, 5, 1],
    ] as const) {
      assert.deepEqual(chooseSize({ width, height }, { sizes }), sizes[index], `${width}x${height}`);
    }
  });

  it("takes the nearest aspect ratio within the pixels, without enlarging", () => {
    const rule = { multiple: 16, maxPixels: 4096 };
    const sizes = [
      [1280, 720, 80, 48],
      [640, 272, 80, 32],
      [176, 144, 64, 48],
      [200, 150, 64, 48],
      [720, 1280, 48, 80],
      [500, 500, 64, 64],
      [40, 40, 32, 32],
      [10, 8, 16, 16],
    ];
    for (const [width = 0, height = 0, wide, high] of sizes) {
      assert.deepEqual(chooseSize({ width, height }, rule), { width: wide, height: high }, `${width}x${height}`);
    }
    assert.deepEqual(chooseSize({ width: 1280, height: 720 }, { multiple: 16, maxPixels: 256 * 256 }), {
      width: 336,
      height: 192,
    });
  });

  it("loses little of any picture to the crop", () => {
    for (let width = 64; width < 2000; width += 37) {
      for (const height of [64, 144, 480, 720]) {
        const picture = { width, height };
        const size = chooseSize(picture, { multiple: 16, maxPixels: 16384 });
        const cover = coverSize(picture, size);
        assert.ok(cover.width >= size.width && cover.height >= size.height);
        assert.ok(cover.width === size.width || cover.height === size.height, "one side fits");
        const lost = 1 - (size.width * size.height) / (cover.width * cover.height);
        assert.ok(width / height > 8 || lost < 0.2, `${width}x${height} loses ${lost} at ${size.width}x${size.height}`);
      }
    }
  });
});

describe("cutWindows", () => {
  const rule = { windows: 1, maxFrames: 33, timeFactor: 4 };

  it("takes one from the middle, several evenly from beginning to end", () => {
    assert.deepEqual(cutWindows(42, rule), [{ start: 4, frames: 33 }]);
    assert.deepEqual(cutWindows(7, rule), [{ start: 1, frames: 5 }]);
    assert.deepEqual(cutWindows(1, rule), [{ start: 0, frames: 1 }]);
    assert.deepEqual(
      cutWindows(112, { ...rule, windows: 3 }).map(({ start }) => start),
      [0, 40, 79],
    );
    assert.equal(cutWindows(112, { ...rule, windows: 9 }).length, 3);
  });

  it("stays inside, never overlaps, and keeps to 1 + k steps", () => {
    for (let total = 1; total < 200; total++) {
      for (const windows of [1, 2, 5]) {
        for (const maxFrames of [1, 6, 33]) {
          const cut = cutWindows(total, { windows, maxFrames, timeFactor: 4 });
          assert.ok(cut.length >= 1 && cut.length <= windows);
          let free = 0;
          for (const { start, frames } of cut) {
            assert.ok(start >= free && start + frames <= total && frames % 4 === 1 && frames <= maxFrames);
            free = start + frames;
          }
        }
      }
    }
  });
});

describe("readCaptions", () => {
  const scratch = scratchFolder();
  const read = (text: string): Map<string, string> => {
    const file = join(scratch(), "captions.csv");
    writeFileSync(file, text);
    return readCaptions(file);
  };

  it("reads quotes, commas, line ends and other columns", () => {
    const text = '\uFEFFid,file,caption\r\n1,a.mp4,"red, ""round""\nball"\r\n\r\n2,"b c.gif",  plain \n3,d.avi,""';
    assert.deepEqual(
      [...read(text)],
      [
        ["a.mp4", 'red, "round"\nball'],
        ["b c.gif", "plain"],
        ["d.avi", ""],
      ],
    );
    assert.equal(read("file,caption").size, 0);
  });

  it("says on which line something is wrong", () => {
    assert.throws(() => read("name,text\na,b"), /captions\.csv:1: expected the columns file,caption, got name,text/);
    assert.throws(
      () => read("file,caption\na.mp4,red, round"),
      /captions\.csv:2: expected 2 fields, got 3; try quotes/,
    );
    assert.throws(() => read('file,caption\na.mp4,"x\ny"\nb.mp4,re"d'), /captions\.csv:4: expected a field of CSV/);
    assert.throws(() => read("file,caption\na,x\nb,y\na,z"), /captions\.csv:4: expected each file once, got a again/);
    assert.throws(() => read("file,caption\nonly"), /captions\.csv:2: expected 2 fields, got 1/);
    assert.throws(() => readCaptions(join(scratch(), "none.csv")), /expected a file of captions/);
  });
});

async function ingestVideos(dir: string, captions: string, out: string, config: IngestConfig, options?: IngestOptions) {
  return ingest(await folderSource(dir, captions), out, config, options);
}

describe("ingest of a folder", () => {
  const scratch = scratchFolder();
  const config = ingestSchema.parse({ multiple: 8, fps: 8 });

  before(async function () {
    const decoders = await openDecoders("auto", 10_000);
    await Promise.all(decoders.map((decoder) => decoder.close()));
    if (decoders.length > 1) return;
    console.log("      skipped: neither node-av nor ffmpeg is installed");
    this.skip();
  });

  /** A folder of fixtures: `name in the folder` -> fixture. */
  function folder(name: string, files: Readonly<Record<string, string>>, captions: string): string {
    const dir = join(scratch(), name);
    mkdirSync(join(dir, "sub"), { recursive: true });
    for (const [file, fixture] of Object.entries(files)) copyFileSync(join(fixtures, fixture), join(dir, file));
    writeFileSync(join(dir, "captions.csv"), captions);
    return dir;
  }

  it("takes what is good, and names everything that it leaves out", async () => {
    const files = {
      "b.mp4": "bars.mp4",
      "sub/a.gif": "bars.gif",
      "sub/c.webp": "bars.webp",
      "damaged.mp4": "damaged.mp4",
      "silent.mp4": "bars.mp4",
      "sound.mp4": "sound.mp4",
      "truncated.mp4": "truncated.mp4",
    };
    const captions =
      'file,caption\nb.mp4,"bars, moving"\nsub/a.gif,small bars\nsub/c.webp,webp bars\ndamaged.mp4,x\nsound.mp4,y\n' +
      "truncated.mp4,z\nabsent.mp4,nobody\nsilent.mp4,\ncaptions.csv,strange\ncut.gif,cut short\n";
    const dir = folder("mixed", files, captions);
    writeFileSync(join(dir, "cut.gif"), readFileSync(join(fixtures, "bars.gif")).subarray(0, 2500));
    const out = join(scratch(), "mixed-set");
    const told: string[] = [];
    const onSkip = (file: string): number => told.push(file);
    await ingestVideos(dir, join(dir, "captions.csv"), out, config, { onSkip });
    const { skipped, clips, frames } = datasetStats(out);
    assert.deepEqual([clips, frames], [3, 15]);
    const reasons = new Map(skipped.map(({ file, reason }) => [file, reason]));
    assert.deepEqual([...reasons.keys()], told);
    const expected: [string, RegExp][] = [
      ["captions.csv", /^is no video or picture$/],
      ["cut.gif", /^decodes with [12] errors?, first: (LZW decode failed|the file ends before its trailer)$/],
      ["damaged.mp4", /^decodes with \d+ errors?, first: ./],
      ["silent.mp4", /^has no caption$/],
      ["sound.mp4", /^holds no video$/],
      ["truncated.mp4", /^cannot be opened: ./],
      ["absent.mp4", /^has a caption but is not there$/],
    ];
    assert.equal(reasons.size, expected.length);
    for (const [file, reason] of expected) assert.match(reasons.get(file) ?? "", reason, file);
    const dataset = await openDataset(out);
    assert.deepEqual(
      dataset.entries.map(({ caption, source, fps }) => [caption, source, fps]),
      [
        ["bars, moving", "b.mp4 from 0.13 s", 8],
        ["small bars", "sub/a.gif from 0.13 s", 8],
        ["webp bars", "sub/c.webp from 0.13 s", 8],
      ],
    );
    await dataset.close();
  });

  it("cuts windows, keeps damaged videos when told to, and gives the same fingerprint again", async () => {
    const dir = folder("windows", { "a.mp4": "bars.mp4", "d.mp4": "damaged.mp4" }, "file,caption\na.mp4,x\nd.mp4,y\n");
    const captions = join(dir, "captions.csv");
    const many = { ...config, fps: 25, maxFrames: 5, windows: 4, tolerateErrors: true };
    const once = await ingestVideos(dir, captions, join(scratch(), "w1"), many);
    assert.deepEqual(
      once.grids.map(({ frames, count }) => [frames, count]),
      [[5, 8]],
    );
    assert.deepEqual(once.skipped, []);
    const again = await ingestVideos(dir, captions, join(scratch(), "w2"), many);
    assert.equal(again.fingerprint, once.fingerprint);
  });

  it("stops when nothing is left or too many fail, and leaves no dataset", async () => {
    const bad = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`t${i}.mp4`, "truncated.mp4"]));
    const captions = `file,caption\n${Object.keys(bad).join(",x\n")},x\n`;
    const dir = folder("bad", bad, captions);
    const out = join(scratch(), "bad-set");
    await assert.rejects(
      ingestVideos(dir, join(dir, "captions.csv"), out, config),
      /expected at most 50 % of 6 videos to fail, got 5 failures, the last t4\.mp4: cannot be opened/,
    );
    await assert.rejects(
      ingestVideos(dir, join(dir, "captions.csv"), out, { ...config, maxFailed: 1 }),
      /expected a video or picture that can be used, got 6 that cannot, the last because: cannot be opened/,
    );
    assert.ok(!existsSync(out));
  });

  it("takes the five good real clips at their own aspect ratios and names the two bad ones", async function () {
    if (!existsSync(join(realClips, "captions.csv"))) {
      console.log(`      skipped: ${realClips} is not there`);
      this.skip();
    }
    const out = join(scratch(), "real");
    await ingestVideos(realClips, join(realClips, "captions.csv"), out, ingestSchema.parse({}));
    const { clips, skipped } = datasetStats(out);
    assert.equal(clips, 5);
    assert.deepEqual(
      skipped.map(({ file }) => file),
      ["corrupted.mp4", "truncated.mp4"],
    );
    const dataset = await openDataset(out);
    assert.deepEqual(
      dataset.entries.map(({ source, frames, height, width }) => [source.split(" ")[0], frames, height, width]),
      [
        ["bigbuckbunny.mp4", 33, 48, 80],
        ["bikes.mp4", 33, 32, 80],
        ["carphone.mp4", 29, 48, 64],
        ["cockatoo.mp4", 33, 48, 80],
        ["newtonscradle.gif", 5, 48, 64],
      ],
    );
    await dataset.close();
  });
});
