import { assert } from "../base/errors.ts";
import { compareGrids, type Grid } from "../base/grid.ts";
import { floats, type HostTensor, ints } from "../base/tensors.ts";
import { denoiseProgram, type LatentModel } from "../diffusion/ditPrograms.ts";
import { type GuidanceConfig, guide } from "../diffusion/guidance.ts";
import type { Binding, Engine, EngineMap } from "../engine/engine.ts";
import { type CompiledModel, compileModel } from "../models/compiledModel.ts";
import { PackPlan } from "../models/patches/pack.ts";
import { patchWidth } from "../models/patches/patchify.ts";
import { textRow, textRowLength } from "../models/text/textRow.ts";
import { type FlowSpan, flowSpans } from "./flowSpans.ts";

/** A trained diffusion transformer on an engine. Weights are by parameter path. */
export interface TrainedDiT {
  readonly engine: Engine;
  readonly model: LatentModel;
  readonly weights: EngineMap;
}

type FloatTensor = HostTensor & { readonly data: Float32Array };

/** A clip to denoise: its prompt, empty for none, and its grid of tokens. */
export interface DenoisedClip {
  readonly prompt: string;
  readonly grid: Grid;
}

/** A clip of the pack being denoised: which request it serves, and whether it is the one without the prompt. */
interface Row {
  readonly request: number;
  readonly conditional: boolean;
  readonly grid: Grid;
}

/** The velocity of all clips at once, guided. Every frame of tokens has its own time. */
export class Denoiser {
  /** Where the clips lie in what `velocity` takes and gives, in the order of the requests. */
  readonly spans: readonly FlowSpan[];
  private readonly rows: readonly Row[];
  private readonly pack: PackPlan;
  private readonly x_LP: FloatTensor;
  private readonly t_F: FloatTensor;
  private readonly program: CompiledModel;
  private readonly binding: Binding;
  private readonly numValues: number;
  private readonly guidance: GuidanceConfig;

  private constructor(
    spans: readonly FlowSpan[],
    rows: readonly Row[],
    pack: PackPlan,
    inputs: { readonly x_LP: FloatTensor; readonly t_F: FloatTensor },
    program: CompiledModel,
    binding: Binding,
    guidance: GuidanceConfig,
  ) {
    this.spans = spans;
    this.rows = rows;
    this.pack = pack;
    this.x_LP = inputs.x_LP;
    this.t_F = inputs.t_F;
    this.numValues = inputs.x_LP.shape[1] as number;
    this.program = program;
    this.binding = binding;
    this.guidance = guidance;
  }

  static async create(
    { engine, model, weights }: TrainedDiT,
    clips: readonly DenoisedClip[],
    guidance: GuidanceConfig,
  ): Promise<Denoiser> {
    const { text, patch } = model.dit;
    const guided = text.kind !== "none" && guidance.scale !== 1;
    const rows = clips
      .flatMap(({ grid }, request) =>
        (guided ? [true, false] : [true]).map((conditional) => ({ request, conditional, grid })),
      )
      .sort((a, b) => compareGrids(a.grid, b.grid));
    const pack = new PackPlan(rows.map(({ grid }) => grid));
    const valuesPerToken = patchWidth(patch, model.latentChannels);
    const x_LP = floats([pack.numTokens, valuesPerToken]);
    const t_F = floats([pack.numFrames]);
    const inputs: Record<string, HostTensor> = { x_LP, t_F };
    if (text.kind !== "none") {
      const text_CR = ints([rows.length, textRowLength(text)]);
      for (const [i, { request, conditional }] of rows.entries()) {
        const prompt = clips[request]?.prompt ?? "";
        const unprompted = !conditional || prompt === "";
        text_CR.data.set(textRow(unprompted ? undefined : prompt, text), i * textRowLength(text));
      }
      inputs.text_CR = text_CR;
    }
    const program = await compileModel(engine, `denoise ${pack.key}`, denoiseProgram(model, pack), weights);
    const spans = flowSpans(
      clips.map(({ grid }) => grid),
      valuesPerToken,
    );
    return new Denoiser(spans, rows, pack, { x_LP, t_F }, program, program.bind(inputs), guidance);
  }

  /** @param times of each clip's frames, in the order of `spans`; a frame at time 0 is given and has no velocity. */
  async velocity(x: Float32Array, times: readonly number[]): Promise<Float32Array> {
    for (const [i, { request }] of this.rows.entries()) {
      const { firstValue, numValues, firstFrame, grid } = this.span(request);
      const place = this.placeOf(i);
      this.x_LP.data.set(x.subarray(firstValue, firstValue + numValues), place.firstToken * this.numValues);
      this.t_F.data.set(times.slice(firstFrame, firstFrame + grid.t), place.firstFrame);
    }
    await this.binding.run();
    const v = new Float32Array(x.length);
    for (const [request, { firstValue, numValues, firstFrame, grid }] of this.spans.entries()) {
      const frames = drawnFrames(times.slice(firstFrame, firstFrame + grid.t), numValues / grid.t);
      const conditional = gather(this.output(request, true), frames);
      const without = this.output(request, false);
      const guided = without === undefined ? conditional : guide(conditional, gather(without, frames), this.guidance);
      scatter(guided, frames, v.subarray(firstValue, firstValue + numValues));
    }
    return v;
  }

  /** Frees its program. */
  dispose(): Promise<void> {
    return this.program.dispose();
  }

  private output(request: number, conditional: true): Float32Array;
  private output(request: number, conditional: boolean): Float32Array | undefined;
  private output(request: number, conditional: boolean): Float32Array | undefined {
    const row = this.rows.findIndex((other) => other.request === request && other.conditional === conditional);
    if (row < 0) return undefined;
    const { firstToken, numTokens } = this.placeOf(row);
    const v_LP = this.binding.outputs.v_LP?.data as Float32Array;
    return v_LP.subarray(firstToken * this.numValues, (firstToken + numTokens) * this.numValues);
  }

  private placeOf(row: number) {
    const place = this.pack.clips[row];
    assert(place !== undefined, `row ${row} of ${this.rows.length}`);
    return place;
  }

  private span(request: number): FlowSpan {
    const span = this.spans[request];
    assert(span !== undefined, `clip ${request} of ${this.spans.length}`);
    return span;
  }
}

/** Stretches of values that belong to frames which are not given. */
function drawnFrames(times: readonly number[], frameSize: number): [first: number, end: number][] {
  return times.flatMap((time, frame) => (time > 0 ? [[frame * frameSize, (frame + 1) * frameSize]] : []));
}

/** The stretches one after the other. Guidance looks at the values of a clip together: what is given is none of them. */
function gather(values: Float32Array, stretches: readonly [number, number][]): Float32Array {
  const gathered = new Float32Array(stretches.reduce((sum, [first, end]) => sum + end - first, 0));
  let at = 0;
  for (const [first, end] of stretches) {
    gathered.set(values.subarray(first, end), at);
    at += end - first;
  }
  return gathered;
}

/** The inverse of `gather`; elsewhere `into` stays. */
function scatter(gathered: Float32Array, stretches: readonly [number, number][], into: Float32Array): void {
  let at = 0;
  for (const [first, end] of stretches) {
    into.set(gathered.subarray(at, at + end - first), first);
    at += end - first;
  }
}
