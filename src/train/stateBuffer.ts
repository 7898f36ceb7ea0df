import { assert } from "../base/errors.ts";
import { floats } from "../base/tensors.ts";
import type { DeviceTensor, Engine, EngineMap, HostMap } from "../engine/engine.ts";
import type { FlatLayout } from "./flatState.ts";

/**
 * Numbers of one layout where the engine computes: a run's parameters, averages, moments or gradients. On engines that
 * compute in host memory it is one flat buffer and its views; on a device one tensor for each parameter, which stays
 * there for the whole run.
 */
export class StateBuffer {
  readonly layout: FlatLayout;
  /** By parameter path. */
  readonly tensors: EngineMap;
  private readonly engine: Engine;
  private readonly flat: Float32Array | undefined;

  private constructor(engine: Engine, layout: FlatLayout, tensors: EngineMap, flat: Float32Array | undefined) {
    this.engine = engine;
    this.layout = layout;
    this.tensors = tensors;
    this.flat = flat;
  }

  /** Puts values of this layout where the engine computes, zeros when none are given. In host memory they are not copied. */
  static async place(engine: Engine, layout: FlatLayout, values = layout.allocate()): Promise<StateBuffer> {
    const tensors = await engine.place(layout.views(values));
    return new StateBuffer(engine, layout, tensors, engine.memory === "host" ? values : undefined);
  }

  /** Each parameter's values in host memory by its path: views of the live state, or copies from the device. */
  fetch(): Promise<HostMap> {
    return this.engine.fetch(this.tensors);
  }

  /** The same values, copied from live state too. */
  async copy(): Promise<HostMap> {
    return this.flat === undefined ? this.fetch() : this.layout.views(this.flat.slice());
  }

  /** Overwrites the flat buffer, on engines that compute in host memory. */
  fill(values: Float32Array): void {
    assert(this.flat !== undefined, "only state in host memory is flat");
    this.flat.set(values);
  }

  /** A stretch of the flat buffer, on engines that compute in host memory. [start, end) in floats. */
  stretch(start: number, end: number) {
    assert(this.flat !== undefined, "only state in host memory is flat");
    return floats([end - start], this.flat.subarray(start, end));
  }

  /** A parameter's tensor on the device. */
  tensor(path: string): DeviceTensor {
    const tensor = this.tensors[path];
    assert(tensor !== undefined && !("data" in tensor), `${path} lies on a device`);
    return tensor;
  }

  /** Frees device memory. */
  release(): void {
    this.engine.release(this.tensors);
  }
}
