import { assert } from "../base/errors.ts";
import { floats, type HostTensor, ints } from "../base/tensors.ts";
import { denoiseProgram, type LatentModel } from "../diffusion/ditPrograms.ts";
import { type GuidanceConfig, scaleAt } from "../diffusion/guidance.ts";
import { guidedProgram, hasTrend } from "../diffusion/guidedProgram.ts";
import type { DeviceTensor, Engine, EngineMap, HostMap } from "../engine/engine.ts";
import { type CompiledModel, compileModel } from "../models/compiledModel.ts";
import type { PackPlan } from "../models/patches/pack.ts";
import { textRow, textRowLength } from "../models/text/textRow.ts";

/** A trained diffusion transformer on an engine. Weights are by parameter path. */
export interface TrainedDiT {
  readonly engine: Engine;
  readonly model: LatentModel;
  readonly weights: EngineMap;
}

/** What a clip shall show, and what it shall not: away from the latter leads guidance. Empty: nothing said. */
export interface Texts {
  readonly prompt: string;
  readonly negative: string;
}

/** Operations that must be saved before a second program, without the guided half, is worth its compiling. */
const WORTH_COMPILING = 20e9;

/** A tensor of a flow, where the engine computes. Shape: LP. */
export type FlowTensor = HostTensor | DeviceTensor;

/** The guided velocity of a plan's clips, each frame at its own time. */
export class Denoiser {
  private readonly trained: TrainedDiT;
  private readonly plan: PackPlan;
  private readonly guidance: GuidanceConfig;
  /** Undefined where nothing is guided. */
  private readonly guided: CompiledModel | undefined;
  /** Without the negative half. Compiled when it is needed. */
  private plain: CompiledModel | undefined;
  /** Questions without guidance, of all flows up to now. */
  private numPlain = 0;

  private constructor(
    trained: TrainedDiT,
    plan: PackPlan,
    guidance: GuidanceConfig,
    guided: CompiledModel | undefined,
  ) {
    this.trained = trained;
    this.plan = plan;
    this.guidance = guidance;
    this.guided = guided;
  }

  static async create(trained: TrainedDiT, plan: PackPlan, guidance: GuidanceConfig): Promise<Denoiser> {
    const { engine, model, weights } = trained;
    if (model.dit.text.kind === "none" || guidance.scale === 1) return new Denoiser(trained, plan, guidance, undefined);
    const name = `denoise guided ${plan.key}`;
    const guided = await compileModel(engine, name, guidedProgram(model, plan, guidance), weights);
    return new Denoiser(trained, plan, guidance, guided);
  }

  /**
   * Makes it ready to be asked along a flow.
   * @param clips of the plan.
   * @param questions the frames' times in every question that will be asked, by which it is decided whether a program
   * without the negative half pays.
   * @param points where the point lies, in turn. @param velocity where the answer goes.
   */
  async bind(
    clips: readonly Texts[],
    questions: readonly (readonly number[])[],
    points: readonly FlowTensor[],
    velocity: FlowTensor,
  ): Promise<BoundDenoiser> {
    const plain = this.paysPlain(questions) ? await this.openPlain() : undefined;
    const times = { t_F: floats([this.plan.numFrames]), scale_F: floats([this.plan.numFrames]) };
    const { engine } = this.trained;
    const texts = {
      plain: await engine.place(this.textInput(clips.map(({ prompt }) => [prompt]))),
      paired: await engine.place(this.textInput(clips.map(({ prompt, negative }) => [prompt, negative]))),
    };
    const trends = await this.placeTrends(velocity);
    const plainly = points.map((x_LP) => plain?.bind({ x_LP, t_F: times.t_F, ...texts.plain }, { v_LP: velocity }));
    const guidedly = points.map((x_LP) =>
      trends.map(({ trend_LP, newTrend_LP }) =>
        this.guided?.bind(
          { x_LP, ...times, ...texts.paired, ...(trend_LP === undefined ? {} : { trend_LP }) },
          { v_LP: velocity, ...(newTrend_LP === undefined ? {} : { newTrend_LP }) },
        ),
      ),
    );
    let trend = 0;
    return {
      ask: async (point, time_F) => {
        times.t_F.data.set(time_F);
        times.scale_F.data.set(time_F.map((time) => scaleAt(this.guidance, time)));
        const without = this.guides(time_F) ? undefined : plainly[point];
        const binding = without ?? guidedly[point]?.[trend];
        assert(binding !== undefined, "a program for every question");
        await binding.run();
        if (without === undefined) trend = (trend + 1) % trends.length;
      },
      dispose: () => {
        for (const binding of [...plainly, ...guidedly.flat()]) binding?.dispose();
        for (const placed of [texts.plain, texts.paired, ...trends]) engine.release(placed as EngineMap);
      },
    };
  }

  /** Frees its programs. */
  async dispose(): Promise<void> {
    await this.guided?.dispose();
    await this.plain?.dispose();
  }

  /** True when some frame that is drawn is guided at its time. */
  private guides(time_F: readonly number[]): boolean {
    return this.guided !== undefined && time_F.some((time) => time > 0 && scaleAt(this.guidance, time) !== 1);
  }

  /** Whether a program that leaves the negative half out is needed, or saves more than it costs. Counts questions. */
  private paysPlain(questions: readonly (readonly number[])[]): boolean {
    if (this.guided === undefined) return true;
    this.numPlain += questions.filter((time_F) => !this.guides(time_F)).length;
    const { flops = Number.POSITIVE_INFINITY } = this.guided;
    return this.numPlain > 0 && (this.numPlain * flops) / 2 >= WORTH_COMPILING;
  }

  /** What guidance adds up, from the one tensor to the other and back; from nothing to nothing where it does not. */
  private async placeTrends({ shape }: FlowTensor): Promise<Trends[]> {
    if (this.guided === undefined || !hasTrend(this.guidance)) return [{}];
    const placed = await this.trained.engine.place({ a: floats(shape), b: floats(shape) });
    const [a, b] = [placed.a as FlowTensor, placed.b as FlowTensor];
    return [
      { trend_LP: a, newTrend_LP: b },
      { trend_LP: b, newTrend_LP: a },
    ];
  }

  private async openPlain(): Promise<CompiledModel> {
    const { engine, model, weights } = this.trained;
    this.plain ??= await compileModel(engine, `denoise ${this.plan.key}`, denoiseProgram(model, this.plan), weights);
    return this.plain;
  }

  /** Rows of text, those of each clip one after the other. */
  private textInput(texts: readonly (readonly string[])[]): HostMap {
    const { text } = this.trained.model.dit;
    if (text.kind === "none") return {};
    const rows = texts.flat().map((words) => textRow(words === "" ? undefined : words, text));
    const text_CR = ints([rows.length, textRowLength(text)]);
    for (const [i, row] of rows.entries()) text_CR.data.set(row, i * row.length);
    return { text_CR };
  }
}

interface Trends {
  readonly trend_LP?: FlowTensor;
  readonly newTrend_LP?: FlowTensor;
}

/** A denoiser tied to the tensors of a flow. */
export interface BoundDenoiser {
  /** Asks at the point that lies in the tensor of this number; the answer is in the velocity's. */
  ask(point: number, time_F: readonly number[]): Promise<void>;
  dispose(): void;
}
