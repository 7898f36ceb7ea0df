import { gridKey } from "../../base/grid.ts";
import { allocate, type HostTensor } from "../../base/tensors.ts";
import type { Binding, Engine, EngineMap, HostMap } from "../../engine/engine.ts";
import { SerialQueue } from "../../engine/runtime/serialQueue.ts";
import { type CompiledModel, compileModel } from "../compiledModel.ts";
import { type Chunk, chunkProgram, type Direction, PAST } from "./chunkPrograms.ts";
import type { VaeConfig } from "./vaeConfig.ts";

/** Frames that a chunk left for the next one, by name. */
export type Kept = Readonly<Record<string, Float32Array>>;

interface Ready {
  readonly model: CompiledModel;
  readonly inputs: HostMap;
  readonly binding: Binding;
}

/** The programs of a VAE with its weights on an engine: one for each shape of chunk, compiled at its first use. */
export class CodecPrograms {
  readonly cfg: VaeConfig;
  private readonly engine: Engine;
  private readonly weights: EngineMap;
  /** The weights where the engine computes, once they are used. */
  private placed: Promise<EngineMap> | undefined;
  private readonly ready = new Map<string, Promise<Ready>>();
  /** Programs' tensors are shared by all streams: one chunk at a time. */
  private readonly queue = new SerialQueue();

  constructor(engine: Engine, cfg: VaeConfig, weights: EngineMap) {
    this.engine = engine;
    this.cfg = cfg;
    this.weights = weights;
  }

  /**
   * Computes a chunk.
   * @param fill writes what goes in; what it does not write is left from the chunk before.
   * @param take reads what comes out.
   * @param past what the chunk before kept, for a later chunk.
   * @returns what the next chunk is to be given; nothing for a whole clip. It is `past` where that was given.
   */
  run(
    direction: Direction,
    chunk: Chunk,
    fill: (x: Float32Array) => void,
    take: (y: Float32Array) => void,
    past: Kept = {},
  ): Promise<Kept> {
    return this.queue.run(async () => {
      const { inputs, binding } = await this.prepare(direction, chunk);
      fill(inputs.x?.data as Float32Array);
      for (const [name, values] of Object.entries(past)) inputs[PAST + name]?.data.set(values);
      await binding.run();
      take(binding.outputs.y?.data as Float32Array);
      const kept = pastOf(binding.outputs).map(([name, { data }]): [string, Float32Array] => {
        const values = past[name.slice(PAST.length)] ?? new Float32Array(data.length);
        values.set(data);
        return [name.slice(PAST.length), values];
      });
      return Object.fromEntries(kept);
    });
  }

  /** Frees the programs. They are compiled again when they are used again. */
  dispose(): Promise<void> {
    return this.queue.run(async () => {
      for (const ready of this.ready.values()) await (await ready).model.dispose();
      this.ready.clear();
      const placed = (await this.placed) ?? {};
      this.engine.release(Object.fromEntries(Object.entries(placed).filter(([name, at]) => at !== this.weights[name])));
      this.placed = undefined;
    });
  }

  private prepare(direction: Direction, chunk: Chunk): Promise<Ready> {
    const key = `${direction.name} ${chunk.place} ${gridKey(chunk.latent)}`;
    const ready = this.ready.get(key) ?? this.compile(key, direction, chunk);
    this.ready.set(key, ready);
    return ready;
  }

  private async compile(key: string, direction: Direction, chunk: Chunk): Promise<Ready> {
    const past: [string, HostTensor][] = [];
    if (chunk.place === "later") {
      const first = await this.prepare(direction, { ...chunk, place: "first" });
      past.push(...pastOf(first.binding.outputs));
    }
    const program = chunkProgram(this.cfg, direction, chunk, Object.fromEntries(past));
    this.placed ??= this.engine.place(this.weights);
    const model = await compileModel(this.engine, `vae ${key}`, program, await this.placed);
    const inputs = Object.fromEntries(Object.entries(program.inputs).map(([name, spec]) => [name, allocate(spec)]));
    return { model, inputs, binding: model.bind(inputs) };
  }
}

function pastOf(outputs: HostMap): [string, HostTensor][] {
  return Object.entries(outputs).filter(([name]) => name.startsWith(PAST));
}
