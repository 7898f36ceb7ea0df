import { setTimeout } from "node:timers/promises";
import type { CodecContext, FilterContext, FilterGraph, FormatContext, Frame, Packet, Stream } from "node-av/lib";
import type { LoadedLibav } from "../media/libav.ts";
import { type DecodedVideo, type DecodeRequest, joinFrames, tooLong } from "./decoder.ts";
import { assumesBt709, chooseSize, filterChain, type Size, type StoredPicture, shownSize } from "./geometry.ts";

const LOG_DELAY_MS = 10;
/** Errors after which the rest of a file is not worth reading. */
const MAX_ERRORS = 1000;

/**
 * Decodes a file with FFmpeg's libraries, one at a time. Errors are those that FFmpeg logs (some, such as a file cut
 * short, show nowhere else), failed calls, and frames marked as damaged.
 * @throws Error with the reason when it cannot be opened or holds no video.
 */
export async function decodeWithLibav(libav: LoadedLibav, request: DecodeRequest): Promise<DecodedVideo> {
  const { lib, constants } = libav;
  const errors: string[] = [];
  lib.Log.setCallback((_level, message) => errors.push(message.trim()), { maxLevel: constants.AV_LOG_ERROR });
  try {
    const video = await decodeFile(libav, request, errors);
    // What is logged comes through the event loop.
    await setTimeout(LOG_DELAY_MS);
    return { ...video, numErrors: errors.length, firstError: errors[0] ?? "" };
  } finally {
    lib.Log.setCallback(null);
  }
}

async function decodeFile(libav: LoadedLibav, request: DecodeRequest, errors: string[]): Promise<DecodedVideo> {
  const { lib, constants } = libav;
  await using input = new lib.FormatContext();
  const options = lib.Dictionary.fromObject({ protocol_whitelist: "file" });
  demand(libav, await input.openInput(request.path, null, options), "cannot be opened");
  demand(libav, await input.findStreamInfo(), "cannot be read");
  const number = input.findBestStream(constants.AVMEDIA_TYPE_VIDEO);
  const stream = input.streams[number];
  if (number < 0 || stream === undefined) throw new Error("holds no video");
  using context = openDecoder(libav, stream);
  demand(libav, await context.open2(), "cannot be decoded");
  const picture = pictureOf(libav, stream);
  const size = chooseSize(shownSize(picture), request);
  return await new Decoding(libav, request, { input, stream, context }, picture, size, errors).run();
}

interface Source {
  readonly input: FormatContext;
  readonly stream: Stream;
  readonly context: CodecContext;
}

/** One file's way from packets to frames. */
class Decoding {
  private readonly libav: LoadedLibav;
  private readonly request: DecodeRequest;
  private readonly source: Source;
  private readonly picture: StoredPicture;
  private readonly size: Size;
  private readonly frames: Uint8Array[] = [];
  private readonly errors: string[];
  private bytes = 0;
  private filters:
    | { readonly graph: FilterGraph; readonly first: FilterContext; readonly last: FilterContext }
    | undefined;

  constructor(
    libav: LoadedLibav,
    request: DecodeRequest,
    source: Source,
    picture: StoredPicture,
    size: Size,
    errors: string[],
  ) {
    this.libav = libav;
    this.request = request;
    this.source = source;
    this.picture = picture;
    this.size = size;
    this.errors = errors;
  }

  async run(): Promise<DecodedVideo> {
    const { lib, constants } = this.libav;
    const { input, stream } = this.source;
    using packet = new lib.Packet();
    using frame = new lib.Frame();
    using filtered = new lib.Frame();
    packet.alloc();
    frame.alloc();
    filtered.alloc();
    try {
      while (this.errors.length < MAX_ERRORS) {
        const code = await input.readFrame(packet);
        if (code === constants.AVERROR_EOF) break;
        if (code < 0) {
          this.note(code);
          break;
        }
        if (packet.streamIndex === stream.index) await this.decode(packet, frame, filtered);
        packet.unref();
      }
      await this.decode(null, frame, filtered);
      if (this.filters !== undefined) {
        await this.filters.first.buffersrcAddFrame(null);
        await this.collect(filtered);
      }
      return joinFrames(this.frames, this.size, this.errors);
    } finally {
      this.filters?.graph.free();
    }
  }

  private async decode(packet: Packet | null, frame: Frame, filtered: Frame): Promise<void> {
    const { lib, constants } = this.libav;
    const { context } = this.source;
    const sent = await context.sendPacket(packet);
    if (sent < 0 && sent !== constants.AVERROR_EOF) this.note(sent);
    for (;;) {
      const code = await context.receiveFrame(frame);
      if (code === lib.FFmpegError.AVERROR(lib.PosixError.EAGAIN) || code === constants.AVERROR_EOF) return;
      if (code < 0) {
        this.note(code);
        return;
      }
      if (frame.decodeErrorFlags !== 0 || frame.hasFlags(constants.AV_FRAME_FLAG_CORRUPT)) {
        this.errors.push("a damaged frame");
      }
      await this.filter(frame, filtered);
      frame.unref();
    }
  }

  private async filter(frame: Frame, filtered: Frame): Promise<void> {
    frame.pts = frame.bestEffortTimestamp;
    this.filters ??= this.openFilters(frame);
    const code = await this.filters.first.buffersrcAddFrame(frame);
    if (code < 0) this.note(code);
    await this.collect(filtered);
  }

  private async collect(filtered: Frame): Promise<void> {
    if (this.filters === undefined) return;
    while ((await this.filters.last.buffersinkGetFrame(filtered)) >= 0) {
      const bytes = filtered.toBuffer();
      this.bytes += bytes.length;
      if (this.bytes > this.request.maxBytes) throw tooLong(this.request.maxBytes);
      this.frames.push(bytes);
      filtered.unref();
    }
  }

  private openFilters(frame: Frame): NonNullable<typeof this.filters> {
    const { lib, constants } = this.libav;
    const graph = new lib.FilterGraph();
    graph.alloc();
    const source = lib.Filter.getByName("buffer");
    const sink = lib.Filter.getByName("buffersink");
    if (source === null || sink === null) throw new Error("FFmpeg lacks its filters");
    const { num, den } = this.source.stream.timeBase;
    const args = `video_size=${frame.width}x${frame.height}:pix_fmt=${frame.format}:time_base=${num}/${den}`;
    const first = graph.createFilter(source, "in", args);
    const last = graph.createFilter(sink, "out");
    if (first === null || last === null) throw new Error("FFmpeg refuses the frames' format");
    const isBt709 =
      frame.colorSpace === constants.AVCOL_SPC_BT709 ||
      (frame.colorSpace === constants.AVCOL_SPC_UNSPECIFIED && assumesBt709(frame.height));
    const chain = filterChain(this.picture, this.size, this.request.fps, isBt709);
    const outputs = lib.FilterInOut.createList([{ name: "in", filterCtx: first, padIdx: 0 }]);
    const inputs = lib.FilterInOut.createList([{ name: "out", filterCtx: last, padIdx: 0 }]);
    demand(this.libav, graph.parsePtr(chain, inputs, outputs), "cannot be filtered");
    demand(this.libav, graph.configSync(), "cannot be filtered");
    return { graph, first, last };
  }

  private note(code: number): void {
    this.errors.push(describe(this.libav, code));
  }
}

function openDecoder({ lib }: LoadedLibav, stream: Stream): CodecContext {
  const codec = lib.Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw new Error("no decoder for its codec");
  const context = new lib.CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  // With frame threads the marks of damaged frames are sometimes lost.
  context.threadCount = 1;
  return context;
}

function pictureOf({ constants }: LoadedLibav, stream: Stream): StoredPicture {
  const { width, height, sampleAspectRatio } = stream.codecpar;
  const isKnown = sampleAspectRatio.num > 0 && sampleAspectRatio.den > 0;
  const pixelAspect = isKnown ? sampleAspectRatio.num / sampleAspectRatio.den : 1;
  const matrix = stream.codecpar.getCodedSideData(constants.AV_PKT_DATA_DISPLAYMATRIX);
  return { width, height, pixelAspect, turn: matrix === null ? 0 : turnOf(matrix) };
}

/** Clockwise turn in degrees of a display matrix: 9 fixed-point numbers, of which the first two hold cosine and sine. */
function turnOf(matrix: Buffer): number {
  const degrees = (Math.atan2(matrix.readInt32LE(4), matrix.readInt32LE(0)) * 180) / Math.PI;
  return (Math.round(degrees / 90) * 90 + 360) % 360;
}

function demand(libav: LoadedLibav, code: number, what: string): void {
  if (code < 0) throw new Error(`${what}: ${describe(libav, code)}`);
}

function describe({ lib }: LoadedLibav, code: number): string {
  return lib.FFmpegError.strerror(code);
}
