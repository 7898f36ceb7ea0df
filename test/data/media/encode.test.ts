import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { runProgram } from "../../../src/base/program.ts";
import { bestVideoFormat, writeFrames, writeVideo } from "../../../src/data/media/encode.ts";
import { mp4Encoder } from "../../../src/data/media/encodeMp4.ts";
import { writeContactSheet, writeStrip } from "../../../src/data/media/picture.ts";
import { hasProgram } from "../../../src/data/media/systemFfmpeg.ts";
import { enlarge, rateFraction, type Video } from "../../../src/data/media/video.ts";
import { toYuv } from "../../../src/data/media/yuv.ts";
import { noiseClip, scratchFolder } from "../scratch.ts";

/** A red square that moves over blue: few colours, so that GIF keeps it whole. */
function movingSquare(frames: number, height: number, width: number): Video {
  const frames_THWC = new Uint8Array(frames * height * width * 3);
  for (let i = 0; i < frames * height * width; i++) {
    const [x, t] = [i % width, Math.floor(i / (height * width))];
    frames_THWC.set(x >= t && x < t + 4 ? [220, 30, 40] : [20, 40, 200], i * 3);
  }
  return { frames_THWC, frames, height, width, fps: 8 };
}

describe("writeVideo", () => {
  const scratch = scratchFolder();

  for (const format of ["webp", "gif"]) {
    it(`writes animated ${format} that gives back the frames and the time`, async () => {
      const video = movingSquare(9, 12, 20);
      const file = join(scratch(), `square.${format}`);
      await writeVideo(file, video, { upscale: 2 });
      const { data, info } = await sharp(file, { animated: true })
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { delay, pages, loop } = await sharp(file, { animated: true }).metadata();
      assert.deepEqual([info.width, info.height, pages, loop], [40, 9 * 24, 9, 0]);
      assert.equal(
        delay?.reduce((sum, ms) => sum + ms, 0),
        format === "gif" ? 1130 : 1125,
      );
      const { frames_THWC } = enlarge(video, 2);
      // GIF keeps a palette of its own choice; WebP is lossless.
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (frames_THWC[i] as number))), 0);
      assert.ok(worst <= (format === "gif" ? 6 : 0), `off by ${worst}`);
    });
  }

  it("writes the same bytes for the same video, whatever the format", async () => {
    const video = movingSquare(5, 16, 16);
    const formats = (await mp4Encoder()) === undefined ? ["webp", "gif"] : ["webp", "gif", "mp4"];
    for (const format of formats) {
      const [one, two] = ["one", "two"].map((name) => join(scratch(), `${name}.${format}`)) as [string, string];
      await writeVideo(one, video);
      await writeVideo(two, video);
      assert.deepEqual(readFileSync(one), readFileSync(two), format);
    }
    assert.equal(await bestVideoFormat(), formats.includes("mp4") ? "mp4" : "webp");
  });

  for (const [height, width, layout] of [
    [32, 48, "yuv420p"],
    [15, 33, "yuv444p"],
  ] as const) {
    it(`writes mp4 of ${width}x${height} as ${layout}, tagged BT.709, that ffmpeg reads back`, async function () {
      if ((await mp4Encoder()) === undefined || !(await hasProgram("ffprobe"))) {
        console.log("      skipped: no mp4 encoder, or no ffmpeg to check with");
        this.skip();
      }
      const video = movingSquare(9, height, width);
      const file = join(scratch(), `${layout}.mp4`);
      await writeVideo(file, video);
      const fields =
        "width,height,pix_fmt,color_space,color_transfer,color_primaries,color_range,avg_frame_rate,nb_frames";
      const args = ["-v", "error", "-show_entries", `stream=${fields}`, "-of", "json", file];
      const probe = await runProgram("ffprobe", args, { timeoutMs: 20_000 });
      assert.deepEqual(JSON.parse(probe.stdout.toString()).streams, [
        {
          width,
          height,
          pix_fmt: layout,
          color_range: "tv",
          color_space: "bt709",
          color_transfer: "bt709",
          color_primaries: "bt709",
          avg_frame_rate: "8/1",
          nb_frames: "9",
        },
      ]);
      const decode = [
        "-v",
        "error",
        "-i",
        file,
        "-vf",
        "scale=in_color_matrix=bt709",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
      ];
      const { stdout, stderr } = await runProgram("ffmpeg", decode, { timeoutMs: 20_000 });
      assert.equal(stderr, "");
      assert.equal(stdout.length, video.frames_THWC.length);
      const meanError = stdout.reduce((sum, value, i) => sum + Math.abs(value - (video.frames_THWC[i] as number)), 0);
      assert.ok(meanError / stdout.length < (layout === "yuv420p" ? 6 : 3), String(meanError / stdout.length));
      assert.ok(readFileSync(file).indexOf("moov") < readFileSync(file).indexOf("mdat"), "the index comes first");
    });
  }

  it("writes frames as they come as it writes them all at once, asking for one when the one before is encoded", async () => {
    const video = movingSquare(7, 16, 16);
    const bytes = 16 * 16 * 3;
    let numAsked = 0;
    const someAtATime = async function* () {
      for (const [first, end] of [
        [0, 1],
        [1, 4],
        [4, 7],
      ] as const) {
        numAsked++;
        yield video.frames_THWC.subarray(first * bytes, end * bytes);
      }
    };
    for (const format of (await mp4Encoder()) === undefined ? ["webp", "gif"] : ["webp", "gif", "mp4"]) {
      const [whole, pieces] = ["whole", "pieces"].map((name) => join(scratch(), `${name}.${format}`)) as [
        string,
        string,
      ];
      numAsked = 0;
      await writeVideo(whole, video, { upscale: 3 });
      await writeFrames(pieces, video, someAtATime(), { upscale: 3 });
      assert.equal(numAsked, 3);
      assert.deepEqual(readFileSync(pieces), readFileSync(whole), format);
    }
  });

  it("leaves no file when the frames end in an error, which it passes on", async () => {
    const failing = async function* () {
      yield movingSquare(2, 16, 16).frames_THWC;
      throw new Error("out of frames");
    };
    for (const format of (await mp4Encoder()) === undefined ? ["webp", "gif"] : ["webp", "gif", "mp4"]) {
      const file = join(scratch(), `failed.${format}`);
      await assert.rejects(writeFrames(file, { height: 16, width: 16, fps: 8 }, failing()), /^Error: out of frames$/);
    }
    assert.ok(!readdirSync(scratch()).some((name) => name.includes("failed")));
  });

  it("names an ending that it does not know, and leaves no file", async () => {
    await assert.rejects(
      writeVideo(join(scratch(), "x.avi"), movingSquare(1, 8, 8)),
      /a name ending in mp4, webp, gif, got \.avi/,
    );
    assert.ok(!readdirSync(scratch()).some((name) => name.includes("avi")));
    await assert.rejects(writeVideo("x.gif", { ...movingSquare(1, 8, 8), fps: 0 }), /frames a second, got 0/);
  });
});

describe("toYuv", () => {
  it("gives the standard's values for black, white and the primaries", () => {
    const colours: [number[], number[]][] = [
      [
        [0, 0, 0],
        [16, 128, 128],
      ],
      [
        [255, 255, 255],
        [235, 128, 128],
      ],
      [
        [255, 0, 0],
        [63, 102, 240],
      ],
      [
        [0, 255, 0],
        [173, 42, 26],
      ],
      [
        [0, 0, 255],
        [32, 240, 118],
      ],
    ];
    for (const [rgb, yuv] of colours) {
      const one = toYuv({ frames_THWC: Uint8Array.from(rgb), frames: 1, height: 1, width: 1, fps: 1 });
      assert.deepEqual([one.layout, [...one.bytes]], ["yuv444p", yuv]);
      const frames_THWC = Uint8Array.from({ length: 12 }, (_, i) => rgb[i % 3] as number);
      const four = toYuv({ frames_THWC, frames: 1, height: 2, width: 2, fps: 1 });
      assert.deepEqual([four.layout, [...four.bytes]], ["yuv420p", [yuv[0], yuv[0], yuv[0], ...yuv]]);
    }
  });
});

describe("pictures", () => {
  const scratch = scratchFolder();

  it("lays the frames of a strip side by side", async () => {
    const video = noiseClip(3, 4, 5);
    const file = join(scratch(), "strip.png");
    await writeStrip(file, video, { upscale: 2 });
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [3 * 10 + 4, 8, 3]);
    for (let t = 0; t < 3; t++) {
      for (const [y, x] of [
        [0, 0],
        [7, 9],
        [3, 6],
      ] as const) {
        const at = (y * info.width + t * 12 + x) * 3;
        const from = ((t * 4 + (y >> 1)) * 5 + (x >> 1)) * 3;
        assert.deepEqual([...data.subarray(at, at + 3)], [...video.frames_THWC.subarray(from, from + 3)]);
      }
    }
  });

  it("gives each clip of a contact sheet a row, long ones thinned", async () => {
    const file = join(scratch(), "sheet.png");
    await writeContactSheet(file, [noiseClip(17, 4, 6), noiseClip(1, 8, 6)]);
    const { width, height } = await sharp(file).metadata();
    assert.deepEqual([width, height], [9 * 6 + 8 * 2, 4 + 2 + 8]);
  });
});

describe("rateFraction", () => {
  it("is in lowest terms", () => {
    assert.deepEqual([8, 12.5, 29.97, 1 / 3].map(rateFraction), [
      [8, 1],
      [25, 2],
      [2997, 100],
      [333, 1000],
    ]);
  });
});
