import type { Grid } from "../../../src/base/grid.ts";
import { KeyedRandom } from "../../../src/base/random.ts";
import { allocate, type HostTensor, withPrefix } from "../../../src/base/tensors.ts";
import { ofFrames } from "../../../src/diffusion/clipNoise.ts";
import { buildDiT, denoiseProgram, ditObjective, type LatentModel } from "../../../src/diffusion/ditPrograms.ts";
import type { LossWeighting } from "../../../src/diffusion/lossWeights.ts";
import { lossWeights } from "../../../src/diffusion/lossWeights.ts";
import type { Engine, HostMap, Program } from "../../../src/engine/engine.ts";
import { type CompiledModel, compileModel } from "../../../src/models/compiledModel.ts";
import { ditSchema } from "../../../src/models/dit/ditConfig.ts";
import type { ClipSpan, PackLayout } from "../../../src/models/patches/layout.ts";
import { MaskedRows } from "../../../src/models/patches/maskedRows.ts";
import { PackPlan } from "../../../src/models/patches/pack.ts";
import type { PackShape } from "../../../src/models/patches/packing.ts";
import { RowLayout, type RowRoom } from "../../../src/models/patches/rowLayout.ts";
import { textRow } from "../../../src/models/text/textRow.ts";
import { declareParams } from "../../../src/nn/params.ts";
import { FlatLayout } from "../../../src/train/flatState.ts";
import { compileGradients } from "../../nn/compiledGradients.ts";

/** A small model that reads text in both ways. */
const text = { kind: "bytes", width: 16, depth: 1, heads: 2, maxTokens: 8, prefixBuckets: 16 } as const;
export const model: LatentModel = {
  dit: ditSchema.parse({ kind: "dit", width: 24, depth: 2, heads: 2, mlpRatio: 2, patch: [1, 1, 1], text }),
  latentChannels: 5,
  prediction: "v",
};
/** As training starts, but nothing at zero: every part of the model counts. */
export const params: HostMap = startedParams();
const encoder = model.dit.text.kind === "bytes" ? model.dit.text : undefined;

/** What is given of a clip. */
export interface PackedClip {
  readonly grid: Grid;
  readonly caption: string | undefined;
  /** Of each frame; 0 where it is given. */
  readonly times: readonly number[];
  /** Key of its latents and its noise. */
  readonly content: string;
}

/**
 * Eight clips of six grids, three of them of one length, two clips of one grid and two of one caption. Of two some frames
 * are given, and one has times of its own for every frame.
 */
export const clips: readonly PackedClip[] = [
  { grid: { t: 4, h: 4, w: 4 }, caption: "red dog", times: [0, 0, 0.9, 0.9], content: "a" },
  { grid: { t: 3, h: 4, w: 4 }, caption: "blue", times: [0.3, 0.3, 0.3], content: "b" },
  { grid: { t: 3, h: 4, w: 4 }, caption: undefined, times: [0.5, 0, 0.5], content: "c" },
  { grid: { t: 3, h: 2, w: 4 }, caption: "a dot", times: [0.05, 0.6, 0.2], content: "d" },
  { grid: { t: 2, h: 3, w: 4 }, caption: "blue", times: [0.7, 0.7], content: "e" },
  { grid: { t: 1, h: 4, w: 6 }, caption: "", times: [0.6], content: "f" },
  { grid: { t: 1, h: 2, w: 2 }, caption: "gray", times: [0.99], content: "g" },
  { grid: { t: 1, h: 2, w: 2 }, caption: "pan", times: [0.4], content: "h" },
];

/** A pack as program and as places for clips. `inputs` tells the program where they lie. */
export interface Packed {
  readonly shape: PackShape;
  readonly layout: PackLayout;
  readonly inputs: HostMap;
}

export function planOf(grids: readonly Grid[]): Packed {
  const plan = new PackPlan(grids);
  return { shape: plan, layout: plan, inputs: {} };
}

export function rowsOf(room: RowRoom, rows: readonly (readonly Grid[])[]): Packed {
  const rowLayout = new RowLayout(room);
  const layout = rowLayout.place(rows);
  return { shape: new MaskedRows(room), layout, inputs: rowLayout.inputsOf(layout) };
}

/** The tensors of a pack of these clips. What belongs to none of them is zero. */
export function tensorsOf(
  { shape, layout, inputs }: Packed,
  held: readonly PackedClip[],
  weighting: LossWeighting,
  divisor?: number,
): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = Object.fromEntries(
    Object.entries(ditObjective(model, shape).inputs).map(([name, spec]) => [name, inputs[name] ?? allocate(spec)]),
  );
  for (const [i, { content, caption }] of held.entries()) {
    const span = layout.clips[i] as ClipSpan;
    for (const name of ["x0_LP", "eps_LP"]) {
      new KeyedRandom(0, "test", name, content).fillNormal(tokensIn(tensors[name]?.data as Float32Array, layout, span));
    }
    if (encoder !== undefined) {
      const row = textRow(caption, encoder);
      tensors.text_CR?.data.set(row, span.slot * row.length);
    }
  }
  const times = held.map((clip) => clip.times);
  const known = ofFrames(
    layout,
    times.map((ofClip) => ofClip.map((t) => (t === 0 ? 1 : 0))),
  );
  tensors.t_F?.data.set(ofFrames(layout, times));
  tensors.weight_F?.data.set(lossWeights(layout, weighting, divisor === undefined ? { known } : { known, divisor }));
  return tensors;
}

/** The values of a clip's tokens in rows of all tokens. */
export function tokensIn(data_LP: Float32Array, { numTokens }: PackLayout, span: ClipSpan): Float32Array {
  const width = data_LP.length / numTokens;
  return data_LP.subarray(span.firstToken * width, (span.firstToken + span.numTokens) * width);
}

/** Runs the programs of packs on one engine, each compiled once. */
export class PackRunner {
  private readonly engine: Engine;
  private readonly models = new Map<string, Promise<CompiledModel>>();
  private readonly programs = new Map<string, Promise<Program>>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** The velocity of every token, at the points x0_LP. */
  async outputs({ shape }: Packed, inputs: Record<string, HostTensor>): Promise<Float32Array> {
    const compile = () => compileModel(this.engine, "outputs", denoiseProgram(model, shape), params);
    const compiled = await once(this.models, shape.key, compile);
    const { x0_LP, eps_LP, weight_F, ...rest } = inputs;
    const binding = compiled.bind({ ...rest, x_LP: x0_LP as HostTensor });
    await binding.run();
    return binding.outputs.v_LP?.data as Float32Array;
  }

  /** Loss and gradients by parameter. */
  async gradients({ shape }: Packed, inputs: Record<string, HostTensor>): Promise<Record<string, Float32Array>> {
    const compile = () => compileGradients(this.engine, ditObjective(model, shape), params);
    const program = await once(this.programs, shape.key, compile);
    const binding = program.bind({ ...withPrefix(params, "param/"), ...withPrefix(inputs, "input/") });
    await binding.run();
    return Object.fromEntries(Object.entries(binding.outputs).map(([name, { data }]) => [name, data as Float32Array]));
  }
}

function once<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

function startedParams(): HostMap {
  const layout = new FlatLayout(declareParams((p) => buildDiT(model, p)));
  const values = layout.allocate();
  layout.initialise(values, 0);
  for (const { path, init, offset, size } of layout.slots) {
    if (init.kind !== "zeros") continue;
    const random = new KeyedRandom(0, "test", path);
    for (let i = offset; i < offset + size; i++) values[i] = 0.1 * random.normal();
  }
  return layout.views(values);
}
