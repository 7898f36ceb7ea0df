import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Frame } from "node-av/lib";
import { UserError } from "../../base/errors.ts";
import { runProgram } from "../../base/program.ts";
import { type LoadedLibav, loadLibav } from "./libav.ts";
import { hasProgram } from "./systemFfmpeg.ts";
import { type FrameFormat, rateFraction } from "./video.ts";
import { toYuv, yuvLayout } from "./yuv.ts";

/** How well the picture is kept: x264's constant rate factor, 0 (lossless) to 51. */
const QUALITY = 14;
/** x264 writes other bytes with other numbers of threads. */
const THREADS = 1;
const TIMEOUT_MS = 120_000;

/** What encodes mp4 here: node-av, a system ffmpeg, or nothing. */
export async function mp4Encoder(): Promise<"node-av" | "ffmpeg" | undefined> {
  const libav = await loadLibav();
  if (libav?.lib.Codec.findEncoderByName(libav.constants.FF_ENCODER_LIBX264) != null) return "node-av";
  if (!(await hasProgram("ffmpeg"))) return undefined;
  const { stdout } = await runProgram("ffmpeg", ["-v", "error", "-encoders"], { timeoutMs: TIMEOUT_MS });
  return stdout.includes("libx264") ? "ffmpeg" : undefined;
}

/**
 * H.264 in mp4: BT.709, index first, no dates, the same bytes every time. Odd sides are kept whole as yuv444p, which
 * not every player shows.
 * @param frames one at a time; each is encoded before the next is asked for.
 * @param use takes the finished file, which is gone afterwards.
 * @throws UserError when nothing here can encode.
 */
export async function withMp4(
  format: FrameFormat,
  frames: AsyncIterable<Uint8Array>,
  use: (file: string) => Promise<void>,
): Promise<void> {
  const encoder = await mp4Encoder();
  if (encoder === undefined) {
    throw new UserError("mp4", {
      expected: "an encoder (the npm package node-av, or ffmpeg with libx264 on the PATH)",
      got: "none",
      try: "a file name ending in .webp or .gif",
    });
  }
  const folder = await mkdtemp(join(tmpdir(), "kinema-mp4-"));
  const file = join(folder, "video.mp4");
  try {
    const libav = await loadLibav();
    if (encoder === "node-av" && libav !== undefined) await encodeWithLibav(libav, file, format, frames);
    else await encodeWithFfmpeg(file, format, frames);
    await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each frame as planes. */
async function* planesOf(
  { height, width, fps }: FrameFormat,
  frames: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frames_THWC of frames) yield toYuv({ frames_THWC, frames: 1, height, width, fps }).bytes;
}

async function encodeWithFfmpeg(file: string, format: FrameFormat, frames: AsyncIterable<Uint8Array>): Promise<void> {
  const size = `${format.width}x${format.height}`;
  const rate = rateFraction(format.fps).join("/");
  const input = ["-f", "rawvideo", "-pix_fmt", yuvLayout(format), "-s", size, "-framerate", rate, "-i", "pipe:0"];
  const codec = ["-c:v", "libx264", "-preset", "medium", "-crf", String(QUALITY), "-threads", String(THREADS)];
  const colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];
  const exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart"];
  const args = ["-v", "error", "-nostdin", ...input, ...codec, ...colours, ...exact, "-y", file];
  const { code, stderr } = await runProgram("ffmpeg", args, { input: planesOf(format, frames) });
  if (code !== 0) throw new UserError("ffmpeg", { expected: "an mp4 file", got: stderr.trim() || `exit code ${code}` });
}

async function encodeWithLibav(
  { lib, constants }: LoadedLibav,
  file: string,
  video: FrameFormat,
  frames: AsyncIterable<Uint8Array>,
): Promise<void> {
  const check = (code: number, what: string): void => lib.FFmpegError.throwIfError(code, what);
  const codec = lib.Codec.findEncoderByName(constants.FF_ENCODER_LIBX264);
  using context = new lib.CodecContext();
  context.allocContext3(codec);
  const format = yuvLayout(video) === "yuv420p" ? constants.AV_PIX_FMT_YUV420P : constants.AV_PIX_FMT_YUV444P;
  const [framesIn, seconds] = rateFraction(video.fps);
  context.width = video.width;
  context.height = video.height;
  context.pixelFormat = format;
  context.timeBase = new lib.Rational(seconds, framesIn);
  context.framerate = new lib.Rational(framesIn, seconds);
  context.threadCount = THREADS;
  context.colorSpace = constants.AVCOL_SPC_BT709;
  context.colorPrimaries = constants.AVCOL_PRI_BT709;
  context.colorTrc = constants.AVCOL_TRC_BT709;
  context.colorRange = constants.AVCOL_RANGE_MPEG;
  context.setFlags(constants.AV_CODEC_FLAG_GLOBAL_HEADER, constants.AV_CODEC_FLAG_BITEXACT);
  context.setOption("preset", "medium");
  context.setOption("crf", String(QUALITY));
  check(await context.open2(codec), "open libx264");
  await using output = new lib.FormatContext();
  check(output.allocOutputContext2(null, "mp4", file), "open mp4");
  output.setFlags(constants.AVFMT_FLAG_BITEXACT);
  const stream = output.newStream();
  check(stream.codecpar.fromContext(context), "describe stream");
  stream.timeBase = context.timeBase;
  check(await output.openOutput(), "open file");
  check(await output.writeHeader(lib.Dictionary.fromObject({ movflags: "+faststart" })), "write header");
  using packet = new lib.Packet();
  packet.alloc();
  const encode = async (frame: Frame | null): Promise<void> => {
    check(await context.sendFrame(frame), "encode");
    while ((await context.receivePacket(packet)) >= 0) {
      packet.streamIndex = stream.index;
      packet.duration = 1n;
      packet.rescaleTs(context.timeBase, stream.timeBase);
      check(await output.interleavedWriteFrame(packet), "write");
      packet.unref();
    }
  };
  const shape = { width: video.width, height: video.height, format, timeBase: context.timeBase };
  let pts = 0n;
  for await (const planes of planesOf(video, frames)) {
    using frame = lib.Frame.fromVideoBuffer(Buffer.from(planes), { ...shape, pts });
    await encode(frame);
    pts++;
  }
  await encode(null);
  check(await output.writeTrailer(), "finish mp4");
  await output.closeOutput();
}
