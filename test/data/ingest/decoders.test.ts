import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../../src/base/program.ts";
import type { DecodedVideo, DecodeRequest, Decoder } from "../../../src/data/ingest/decoder.ts";
import { type DecoderChoice, decoderFor, openDecoders } from "../../../src/data/ingest/openDecoders.ts";
import { writeVideo } from "../../../src/data/media/encode.ts";
import { mp4Encoder } from "../../../src/data/media/encodeMp4.ts";
import { loadLibav } from "../../../src/data/media/libav.ts";
import { hasProgram } from "../../../src/data/media/systemFfmpeg.ts";
import { shapesClip } from "../../../src/data/shapes/build.ts";
import { ShapesWorld } from "../../../src/data/shapes/shapesWorld.ts";
import { shapesSchema } from "../../../src/data/shapes/world.ts";
import { scratchFolder } from "../scratch.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const rule = { fps: 8, multiple: 8, maxPixels: 4096, maxBytes: 2 ** 24 };

/** Largest and mean difference of two videos of one shape, in levels of 255. */
function difference(a: DecodedVideo, b: DecodedVideo): { worst: number; mean: number } {
  assert.deepEqual([a.frames, a.height, a.width], [b.frames, b.height, b.width]);
  let [worst, sum] = [0, 0];
  a.frames_THWC.forEach((value, i) => {
    const off = Math.abs(value - (b.frames_THWC[i] as number));
    worst = Math.max(worst, off);
    sum += off;
  });
  return { worst, mean: sum / a.frames_THWC.length };
}

for (const choice of ["node-av", "ffmpeg"] as const) {
  describe(`decoding with ${choice}`, () => {
    const scratch = scratchFolder();
    let decoders: readonly Decoder[] = [];

    const open = async (timeoutMs: number): Promise<void> => {
      await close();
      decoders = await openDecoders(choice, timeoutMs);
    };
    const close = async (): Promise<void> => {
      await Promise.all(decoders.map((decoder) => decoder.close()));
      decoders = [];
    };
    const decode = (file: string, changes: Partial<DecodeRequest> = {}): Promise<DecodedVideo> => {
      const decoder = decoderFor(decoders, file) ?? assert.fail(`no decoder for ${file}`);
      return decoder.decode({ ...rule, path: file.startsWith("/") ? file : join(fixtures, file), ...changes });
    };

    before(async function () {
      if (!(await isThere(choice))) {
        console.log(`      skipped: ${choice} is not installed`);
        this.skip();
      }
      await open(60_000);
    });
    after(close);

    it("reads every container alike, at the rate and size asked for", async () => {
      const mp4 = await decode("bars.mp4");
      assert.deepEqual([mp4.frames, mp4.height, mp4.width, mp4.numErrors], [8, 48, 80, 0]);
      for (const file of ["bars.mkv", "bars.mov", "bars.avi", "bars.webm"]) {
        const { mean } = difference(await decode(file), mp4);
        assert.ok(mean < 12, `${file} differs by ${mean}`);
      }
      const half = await decode("bars.mp4", { fps: 4 });
      assert.equal(half.frames, 4);
      for (const file of ["bars.gif", "bars.webp"]) {
        const { frames, height, width } = await decode(file);
        assert.deepEqual([frames, height, width], [8, 24, 40], file);
      }
    });

    it("gives back a video of known frames, thinned in time and averaged in space", async function () {
      if ((await mp4Encoder()) === undefined) {
        console.log("      skipped: no mp4 encoder");
        this.skip();
      }
      const world = { buckets: [{ frames: 17, height: 32, width: 48 }], shapes: ["circle"], motions: ["right"] };
      const clip = shapesClip(
        new ShapesWorld(shapesSchema.parse({ ...world, backgrounds: ["dark"], colours: ["red"] })),
        0,
      );
      const file = join(scratch(), `known-${choice}.mp4`);
      await writeVideo(file, clip, { upscale: 4 });
      const whole = await decode(file, { maxPixels: 32 * 48 });
      const known = { ...clip, numErrors: 0, firstError: "" };
      const { mean } = difference(whole, known);
      assert.ok(mean < 1.5, `off by ${mean}`);
      const thinned = await decode(file, { maxPixels: 32 * 48, fps: 4 });
      assert.ok(Math.abs(thinned.frames - 9) <= 1, `${thinned.frames} frames`);
      const frameBytes = 32 * 48 * 3;
      for (const t of [0, 3, 7]) {
        const frame = {
          ...known,
          frames: 1,
          frames_THWC: thinned.frames_THWC.subarray(t * frameBytes, (t + 1) * frameBytes),
        };
        const nearest = [0, 1, 2].map((shift) => {
          const at = Math.min(16, Math.max(0, 2 * t + shift - 1)) * frameBytes;
          return difference(frame, { ...frame, frames_THWC: clip.frames_THWC.subarray(at, at + frameBytes) }).mean;
        });
        assert.ok(Math.min(...nearest) < 1.5, `frame ${t} is off by ${nearest}`);
      }
    });

    it("turns pictures upright and minds the shape of pixels, as ffmpeg itself does", async function () {
      const turned = await decode("turned.mp4");
      assert.deepEqual([turned.height, turned.width], [80, 48]);
      const wide = await decode("anamorphic.mp4");
      assert.ok(wide.width / wide.height > 3, `${wide.width}x${wide.height}`);
      if (!(await hasProgram("ffmpeg"))) {
        console.log("      skipped in part: no ffmpeg to compare with");
        this.skip();
      }
      const filters = "fps=8,scale=48:85:flags=area+accurate_rnd+full_chroma_int,crop=48:80";
      const input = ["-v", "error", "-i", join(fixtures, "turned.mp4")];
      const { stdout } = await runProgram(
        "ffmpeg",
        [...input, "-vf", filters, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        {
          timeoutMs: 60_000,
        },
      );
      const { mean } = difference(turned, { ...turned, frames_THWC: stdout });
      assert.ok(mean < 1, `off by ${mean}`);
    });

    it("counts damage, and tells why a file cannot be used", async () => {
      const damaged = await decode("damaged.mp4");
      assert.ok(damaged.numErrors > 0 && damaged.firstError !== "");
      assert.equal(damaged.frames, 8);
      await assert.rejects(decode("truncated.mp4"), /cannot be opened: (moov atom not found|Invalid data found)/);
      await assert.rejects(decode("sound.mp4"), /holds no video/);
      await assert.rejects(decode("bars.mp4", { maxBytes: 30_000 }), /longer than 0 MiB of frames; cut it into pieces/);
    });

    it("counts a file that was cut short", async () => {
      const file = join(scratch(), `cut-${choice}.webm`);
      const whole = readFileSync(join(fixtures, "bars.webm"));
      writeFileSync(file, whole.subarray(0, Math.floor(whole.length * 0.6)));
      assert.ok((await decode(file)).numErrors > 0);
    });

    it("gives up a file that hangs, and goes on with the next", async function () {
      if (process.platform === "win32") this.skip();
      const pipe = join(scratch(), `hangs-${choice}.mp4`);
      execFileSync("mkfifo", [pipe]);
      await open(1500);
      await assert.rejects(decode(pipe), /took longer than 1.5 s to decode/);
      await open(60_000);
      assert.equal((await decode("bars.mp4")).frames, 8);
    });
  });
}

describe("decoding with sharp", () => {
  const scratch = scratchFolder();
  let decoders: readonly Decoder[] = [];

  before(async () => {
    decoders = await openDecoders("sharp", 60_000);
  });
  after(async () => {
    await Promise.all(decoders.map((decoder) => decoder.close()));
  });

  const decode = (path: string, changes: Partial<DecodeRequest> = {}): Promise<DecodedVideo> => {
    const decoder = decoderFor(decoders, path) ?? assert.fail(`no decoder for ${path}`);
    return decoder.decode({ ...rule, path, ...changes });
  };

  it("gives back the frames of a lossless WebP, and every other one at half the rate", async () => {
    const world = { buckets: [{ frames: 9, height: 32, width: 48 }], motions: ["up"] };
    const clip = shapesClip(new ShapesWorld(shapesSchema.parse(world)), 0);
    const file = join(scratch(), "known.webp");
    await writeVideo(file, clip);
    const whole = await decode(file);
    assert.deepEqual([whole.frames, whole.height, whole.width, whole.numErrors], [9, 32, 48, 0]);
    assert.deepEqual(whole.frames_THWC, clip.frames_THWC);
    const half = await decode(file, { fps: 4 });
    assert.equal(half.frames, 5);
    const frameBytes = 32 * 48 * 3;
    const known = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((t) =>
      clip.frames_THWC.subarray(t * frameBytes, (t + 1) * frameBytes),
    );
    for (let t = 0; t < half.frames; t++) {
      const frame = half.frames_THWC.subarray(t * frameBytes, (t + 1) * frameBytes);
      const at = known.findIndex((candidate) => Buffer.compare(candidate, frame) === 0);
      assert.ok(Math.abs(at - 2 * t) <= 1, `frame ${t} is ${at}`);
    }
  });

  it("tells why a file cannot be used", async () => {
    const file = join(scratch(), "broken.gif");
    writeFileSync(file, "no picture");
    await assert.rejects(decode(file), /cannot be opened: ./);
  });
});

describe("decoders", () => {
  it("agree with each other: FFmpeg's libraries, its program, and sharp", async function () {
    if (!(await isThere("node-av")) || !(await isThere("ffmpeg"))) {
      console.log("      skipped: needs node-av and ffmpeg");
      this.skip();
    }
    const videos = new Map<string, DecodedVideo>();
    for (const choice of ["node-av", "ffmpeg", "sharp"] as const) {
      const decoders = await openDecoders(choice, 60_000);
      for (const file of ["bars.mp4", "bars.gif", "turned.mp4"]) {
        const path = join(fixtures, file);
        const video = await decoderFor(decoders, file)?.decode({ ...rule, path });
        if (video !== undefined) videos.set(`${choice} ${file}`, video);
      }
      await Promise.all(decoders.map((decoder) => decoder.close()));
    }
    const get = (key: string): DecodedVideo => videos.get(key) ?? assert.fail(key);
    for (const file of ["bars.mp4", "bars.gif", "turned.mp4"]) {
      assert.ok(difference(get(`node-av ${file}`), get(`ffmpeg ${file}`)).worst <= 1, file);
    }
    const { mean } = difference(get("sharp bars.gif"), get("ffmpeg bars.gif"));
    assert.ok(mean < 8, `sharp differs by ${mean}`);
  });

  it("take files by their ending, whatever its case", async () => {
    const decoders = await openDecoders("sharp", 1000);
    assert.equal(decoderFor(decoders, "a/b.GIF")?.name, "sharp");
    assert.equal(decoderFor(decoders, "a/b.mp4"), undefined);
    await Promise.all(decoders.map((decoder) => decoder.close()));
  });
});

async function isThere(choice: DecoderChoice): Promise<boolean> {
  if (choice === "node-av") return (await loadLibav()) !== undefined;
  return (await hasProgram("ffmpeg")) && (await hasProgram("ffprobe"));
}
