/** Writes what a run measures as TensorBoard events: `tensorboard --logdir experiments`. */
import { hostname } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type EventContent, EventFile } from "./eventFile.ts";
import { histogramOf } from "./histogram.ts";
import { HParamsSchema, type Summary_ValueSchema } from "./tensorboard_pb.ts";

export interface TensorBoardOptions {
  /** Called once, with one line, when events cannot be written. Nothing is ever thrown. */
  readonly onFailure?: (reason: string) => void;
  /** The step that the run resumes from: TensorBoard then forgets earlier files' events of later steps. */
  readonly resumeStep?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** An encoded picture: PNG, JPEG or GIF, which TensorBoard plays. Sizes in pixels. */
export interface EncodedImage {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A setting of a run, as the HPARAMS table shows it. */
export type Setting = string | number | boolean;

type SummaryValue = MessageInitShape<typeof Summary_ValueSchema>;
type HParamsData = NonNullable<MessageInitShape<typeof HParamsSchema>["data"]>;

/** TensorFlow's number for tensors of text, and TensorBoard's for data shown as tensors. */
const dtypeString = 7;
const dataClassTensor = 2;
const dtypeFloat = 1;
const sessionStarted = 1;

let numWriters = 0;

/** Steps are counts >= 0. Tags with slashes are grouped by their first part. */
export class TensorBoardWriter {
  private readonly file: EventFile;
  private readonly now: () => number;

  /** @param dir the run's folder of events; made when first needed. */
  constructor(dir: string, options: TensorBoardOptions = {}) {
    const { onFailure = () => undefined, resumeStep, now = Date.now } = options;
    this.now = now;
    numWriters += 1;
    const seconds = String(Math.floor(now() / 1000)).padStart(10, "0");
    const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${numWriters}`;
    this.file = new EventFile(join(dir, name), onFailure);
    this.append(0, { case: "fileVersion", value: "brain.Event:2" });
    if (resumeStep !== undefined) {
      this.append(resumeStep + 1, { case: "sessionLog", value: { status: sessionStarted } });
    }
  }

  /** Where the events go. */
  get path(): string {
    return this.file.path;
  }

  scalar(tag: string, value: number, step: number): void {
    this.add(step, [{ tag, value: { case: "simpleValue", value } }]);
  }

  /** Several scalars of one step as one event. */
  scalars(values: Readonly<Record<string, number>>, step: number): void {
    this.add(
      step,
      Object.entries(values).map(([tag, value]) => ({ tag, value: { case: "simpleValue", value } })),
    );
  }

  /** The distribution of the finite values; nothing when there are none. */
  histogram(tag: string, values: ArrayLike<number>, step: number): void {
    const histogram = histogramOf(values);
    if (histogram !== undefined) this.add(step, [{ tag, value: { case: "histo", value: histogram } }]);
  }

  /** Markdown. */
  text(tag: string, markdown: string, step: number): void {
    const tensor = { dtype: dtypeString, tensorShape: { dim: [{ size: 1n }] }, stringVal: [Buffer.from(markdown)] };
    this.add(step, [{ tag, metadata: shownBy("text"), value: { case: "tensor", value: tensor } }]);
  }

  image(tag: string, { bytes, width, height }: EncodedImage, step: number): void {
    const image = { width, height, colorspace: 3, encodedImageString: bytes };
    this.add(step, [{ tag, value: { case: "image", value: image } }]);
  }

  /** The run's settings, and the tags of the scalars to compare runs by: TensorBoard's HPARAMS table. Once a run. */
  hparams(settings: Readonly<Record<string, Setting>>, metrics: readonly string[]): void {
    const entries = Object.entries(settings);
    const hparamInfos = entries.map(([name, setting]) => ({ name, type: typeNumber(setting) }));
    const metricInfos = metrics.map((tag) => ({ name: { tag } }));
    this.hparamsEvent("_hparams_/experiment", { case: "experiment", value: { hparamInfos, metricInfos } });
    const hparams = Object.fromEntries(entries.map(([name, setting]) => [name, { kind: kindOf(setting) }]));
    const session = { hparams, startTimeSecs: this.now() / 1000 };
    this.hparamsEvent("_hparams_/session_start_info", { case: "sessionStartInfo", value: session });
  }

  /** Resolves when everything so far is in the file. Call it before a checkpoint is saved. */
  flush(): Promise<void> {
    return this.file.flush();
  }

  /** The same. The file is only open while it is written to. */
  close(): Promise<void> {
    return this.file.flush();
  }

  private hparamsEvent(tag: string, data: HParamsData): void {
    const metadata = shownBy("hparams", toBinary(HParamsSchema, create(HParamsSchema, { data })));
    const nothing = { dtype: dtypeFloat, tensorShape: { dim: [{ size: 0n }] } };
    this.add(0, [{ tag, metadata, value: { case: "tensor", value: nothing } }]);
  }

  private add(step: number, value: SummaryValue[]): void {
    this.append(step, { case: "summary", value: { value } });
  }

  private append(step: number, what: EventContent): void {
    this.file.append(this.now() / 1000, step, what);
  }
}

/** Metadata that names the dashboard, with what it needs to know. */
function shownBy(pluginName: string, content = new Uint8Array()): NonNullable<SummaryValue["metadata"]> {
  return { pluginData: { pluginName, content }, dataClass: dataClassTensor };
}

function typeNumber(setting: Setting): number {
  return { string: 1, boolean: 2, number: 3 }[typeof setting as "string" | "boolean" | "number"];
}

function kindOf(setting: Setting) {
  if (typeof setting === "string") return { case: "stringValue" as const, value: setting };
  if (typeof setting === "boolean") return { case: "boolValue" as const, value: setting };
  return { case: "numberValue" as const, value: setting };
}
