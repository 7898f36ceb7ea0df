import { assert } from "../../base/errors.ts";
import { type Grid, gridKey } from "../../base/grid.ts";
import { floats } from "../../base/tensors.ts";
import type { Binding, Engine, EngineMap } from "../../engine/engine.ts";
import { type CompiledModel, compileModel } from "../compiledModel.ts";
import type { ModelProgram } from "../program.ts";
import { toBytes, toSigned } from "./colour.ts";
import { clipGrid, latentGrid, type VaeConfig, vaeFactor } from "./vaeConfig.ts";
import { numColours } from "./vaeEncoder.ts";
import { vaeDecodeProgram, vaeEncodeProgram } from "./vaePrograms.ts";

interface Ready {
  readonly model: CompiledModel;
  readonly input: Float32Array;
  readonly binding: Binding;
}

/** A VAE with weights on an engine: clips to latents and back, one clip at a time, compiled once for each size. */
export class VaeCodec {
  readonly cfg: VaeConfig;
  private readonly engine: Engine;
  private readonly weights: EngineMap;
  /** The weights where the engine computes, once they are used. */
  private placed: Promise<EngineMap> | undefined;
  private readonly ready = new Map<string, Ready>();

  constructor(engine: Engine, cfg: VaeConfig, weights: EngineMap) {
    this.engine = engine;
    this.cfg = cfg;
    this.weights = weights;
  }

  /** The latent grid of a clip. @throws UserError when the factors do not divide its size. */
  latentGrid(clip: Grid): Grid {
    return latentGrid(clip, vaeFactor(this.cfg));
  }

  /** Posterior means, not normalised. Shapes: frames_THWC bytes -> latent_thwz, valid until the next call. */
  async encode(frames_THWC: Uint8Array, clip: Grid): Promise<Float32Array> {
    const { input, binding } = await this.prepare("encode", clip, vaeEncodeProgram, "video_BTHWC");
    toSigned(frames_THWC, input);
    await binding.run();
    return binding.outputs.mean_Bthwz?.data as Float32Array;
  }

  /** Shapes: latent_thwz, not normalised -> frames_THWC bytes. */
  async decode(latent_thwz: Float32Array, latent: Grid): Promise<Uint8Array> {
    const clip = clipGrid(latent, vaeFactor(this.cfg));
    const { input, binding } = await this.prepare("decode", clip, vaeDecodeProgram, "z_Bthwz");
    input.set(latent_thwz);
    await binding.run();
    const frames = toBytes(binding.outputs.video_BTHWC?.data as Float32Array);
    assert(frames.length === clip.t * clip.h * clip.w * numColours, "the decoded clip has its size");
    return frames;
  }

  /** Frees its programs. They are compiled again when it is used again. */
  async dispose(): Promise<void> {
    for (const { model } of this.ready.values()) await model.dispose();
    this.ready.clear();
    const placed = (await this.placed) ?? {};
    this.engine.release(Object.fromEntries(Object.entries(placed).filter(([name, at]) => at !== this.weights[name])));
    this.placed = undefined;
  }

  private async prepare(
    task: string,
    clip: Grid,
    program: (cfg: VaeConfig, batch: { numClips: number; clip: Grid }) => ModelProgram,
    inputName: string,
  ): Promise<Ready> {
    const key = `${task} ${gridKey(clip)}`;
    const known = this.ready.get(key);
    if (known !== undefined) return known;
    const model = program(this.cfg, { numClips: 1, clip });
    this.placed ??= this.engine.place(this.weights);
    const compiled = await compileModel(this.engine, `vae ${key}`, model, await this.placed);
    const input = floats(model.inputs[inputName]?.shape ?? []);
    const binding = compiled.bind({ [inputName]: input });
    const ready = { model: compiled, input: input.data, binding };
    this.ready.set(key, ready);
    return ready;
  }
}
