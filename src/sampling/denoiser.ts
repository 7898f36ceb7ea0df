import { assert } from "../base/errors.ts";
import { compareGrids, type Grid } from "../base/grid.ts";
import { floats, type HostTensor, ints } from "../base/tensors.ts";
import { denoiseProgram, type LatentModel } from "../diffusion/ditPrograms.ts";
import { type GuidanceConfig, guide } from "../diffusion/guidance.ts";
import type { Track } from "../diffusion/sampler.ts";
import type { Binding, Engine, EngineMap } from "../engine/engine.ts";
import { type CompiledModel, compileModel } from "../models/compiledModel.ts";
import { PackPlan } from "../models/patches/pack.ts";
import { patchWidth } from "../models/patches/patchify.ts";
import { textRow, textRowLength } from "../models/text/textRow.ts";

/** A trained diffusion transformer on an engine. Weights are by parameter path. */
export interface TrainedDiT {
  readonly engine: Engine;
  readonly model: LatentModel;
  readonly weights: EngineMap;
}

type FloatTensor = HostTensor & { readonly data: Float32Array };

/** A clip of the pack being denoised: which request it serves, and whether it is the one without the prompt. */
interface Row {
  readonly request: number;
  readonly conditional: boolean;
  readonly grid: Grid;
}

/** The velocity of all clips at once, guided. */
export class Denoiser {
  private readonly rows: readonly Row[];
  private readonly pack: PackPlan;
  private readonly x_LP: FloatTensor;
  private readonly t_F: FloatTensor;
  private readonly program: CompiledModel;
  private readonly binding: Binding;
  private readonly numValues: number;
  private readonly guidance: GuidanceConfig;

  private constructor(
    rows: readonly Row[],
    pack: PackPlan,
    inputs: { readonly x_LP: FloatTensor; readonly t_F: FloatTensor },
    program: CompiledModel,
    binding: Binding,
    guidance: GuidanceConfig,
  ) {
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
    prompts: readonly string[],
    grids: readonly Grid[],
    guidance: GuidanceConfig,
  ): Promise<Denoiser> {
    const { text, patch } = model.dit;
    const guided = text.kind !== "none" && guidance.scale !== 1;
    const rows = grids
      .flatMap((grid, request) =>
        (guided ? [true, false] : [true]).map((conditional) => ({ request, conditional, grid })),
      )
      .sort((a, b) => compareGrids(a.grid, b.grid));
    const pack = new PackPlan(rows.map(({ grid }) => grid));
    const x_LP = floats([pack.numTokens, patchWidth(patch, model.latentChannels)]);
    const t_F = floats([pack.numFrames]);
    const inputs: Record<string, HostTensor> = { x_LP, t_F };
    if (text.kind !== "none") {
      const text_CR = ints([rows.length, textRowLength(text)]);
      for (const [i, { request, conditional }] of rows.entries()) {
        const prompt = prompts[request] ?? "";
        const unprompted = !conditional || prompt === "";
        text_CR.data.set(textRow(unprompted ? undefined : prompt, text), i * textRowLength(text));
      }
      inputs.text_CR = text_CR;
    }
    const program = await compileModel(engine, `denoise ${pack.key}`, denoiseProgram(model, pack), weights);
    return new Denoiser(rows, pack, { x_LP, t_F }, program, program.bind(inputs), guidance);
  }

  /** @param x the clips' values one after another, as `tracks` say. */
  async velocity(x: Float32Array, times: readonly number[], tracks: readonly Track[]): Promise<Float32Array> {
    for (const [i, { request }] of this.rows.entries()) {
      const { first, length } = tracks[request] as Track;
      const span = this.spanOf(i);
      this.x_LP.data.set(x.subarray(first, first + length), span.firstToken * this.numValues);
      this.t_F.data.fill(times[request] as number, span.firstFrame, span.firstFrame + span.grid.t);
    }
    await this.binding.run();
    const v = new Float32Array(x.length);
    for (const [request, { first }] of tracks.entries()) {
      const conditional = this.output(request, true);
      const unconditional = this.output(request, false);
      v.set(unconditional === undefined ? conditional : guide(conditional, unconditional, this.guidance), first);
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
    const { firstToken, numTokens } = this.spanOf(row);
    const v_LP = this.binding.outputs.v_LP?.data as Float32Array;
    return v_LP.subarray(firstToken * this.numValues, (firstToken + numTokens) * this.numValues);
  }

  private spanOf(row: number) {
    const span = this.pack.clips[row];
    assert(span !== undefined, `row ${row} of ${this.rows.length}`);
    return span;
  }
}
