import { z } from "zod";
import { runProgram } from "../../base/program.ts";
import { CHANNELS } from "../clip.ts";
import { type DecodedVideo, type DecodeRequest, type Decoder, joinFrames, tooLong } from "./decoder.ts";
import { assumesBt709, chooseSize, filterChain, type StoredPicture, shownSize } from "./geometry.ts";

const streamSchema = z.object({
  width: z.int().positive(),
  height: z.int().positive(),
  sample_aspect_ratio: z.string().optional(),
  color_space: z.string().optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
});
const probeSchema = z.object({ streams: z.array(streamSchema) });

type ProbedStream = z.infer<typeof streamSchema>;

const SHORT_TEXT = 120;

/** Decodes through the system's `ffmpeg` and `ffprobe`. They are killed when a file takes too long. */
export class FfmpegDecoder implements Decoder {
  readonly name: string;
  readonly endings: readonly string[];
  private readonly timeoutMs: number;

  constructor(name: string, endings: readonly string[], timeoutMs: number) {
    this.name = name;
    this.endings = endings;
    this.timeoutMs = timeoutMs;
  }

  async decode(request: DecodeRequest): Promise<DecodedVideo> {
    const stream = await this.probe(request.path);
    const picture = pictureOf(stream);
    const size = chooseSize(shownSize(picture), request);
    const tagged = stream.color_space ?? "unknown";
    const isBt709 = tagged === "bt709" || (tagged === "unknown" && assumesBt709(stream.height));
    const chain = filterChain(picture, size, request.fps, isBt709);
    // With frame threads the marks of damaged frames are sometimes lost.
    const input = ["-threads", "1", "-protocol_whitelist", "file", "-noautorotate", "-i", `file:${request.path}`];
    const output = ["-map", "0:v:0", "-vf", chain, "-f", "rawvideo", "-fps_mode", "passthrough", "pipe:1"];
    const { maxBytes } = request;
    const args = ["-v", "level+warning", "-nostdin", ...input, ...output];
    const result = await runProgram("ffmpeg", args, { timeoutMs: this.timeoutMs, maxBytes });
    if (result.timedOut) throw this.timeout();
    if (result.overflowed) throw tooLong(maxBytes);
    const errors = errorLines(result.stderr);
    if (result.code !== 0 && result.stdout.length === 0)
      throw new Error(`cannot be decoded: ${errors[0] ?? "no reason given"}`);
    const frameBytes = size.width * size.height * CHANNELS;
    const frames = Array.from({ length: Math.floor(result.stdout.length / frameBytes) }, (_, t) =>
      result.stdout.subarray(t * frameBytes, (t + 1) * frameBytes),
    );
    return joinFrames(frames, size, errors);
  }

  async close(): Promise<void> {}

  private async probe(path: string): Promise<ProbedStream> {
    const fields = "stream=width,height,sample_aspect_ratio,color_space:stream_side_data=rotation";
    const what = ["-v", "level+error", "-select_streams", "v:0", "-show_entries", fields, "-of", "json"];
    const args = [...what, "-protocol_whitelist", "file", `file:${path}`];
    const { code, timedOut, stdout, stderr } = await runProgram("ffprobe", args, { timeoutMs: this.timeoutMs });
    if (timedOut) throw this.timeout();
    if (code !== 0) throw new Error(`cannot be opened: ${errorLines(stderr).at(-1) ?? "no reason given"}`);
    const probed = probeSchema.safeParse(JSON.parse(stdout.toString()));
    const stream = probed.data?.streams[0];
    if (stream === undefined) throw new Error("holds no video");
    return stream;
  }

  private timeout(): Error {
    return new Error(`took longer than ${this.timeoutMs / 1000} s to decode`);
  }
}

function pictureOf({ width, height, sample_aspect_ratio, side_data_list }: ProbedStream): StoredPicture {
  const [across, down] = (sample_aspect_ratio ?? "1:1").split(":").map(Number);
  const pixelAspect = across !== undefined && down !== undefined && across > 0 && down > 0 ? across / down : 1;
  // ffprobe tells by how much the picture was turned anticlockwise.
  const turned = side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  return { width, height, pixelAspect, turn: (Math.round(-turned / 90) * 90 + 360) % 360 };
}

/** Lines of errors. What FFmpeg calls a warning counts when it is of a frame that is damaged but still given out. */
function errorLines(stderr: string): string[] {
  return stderr
    .split("\n")
    .map((line) => /^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(\w+)\] (.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, level = "", text = ""]) => ({
      level,
      text: text
        .replace(/^file:.*: /, "")
        .trim()
        .slice(0, SHORT_TEXT),
    }))
    .filter(({ level, text }) => level !== "warning" || text.includes("corrupt decoded frame"))
    .map(({ text }) => text);
}
