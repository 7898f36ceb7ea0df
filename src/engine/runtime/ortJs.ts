import "./silence.ts";
import * as ort from "onnxruntime-node";
import { assert } from "../../base/errors.ts";
import type { HostTensor } from "../../base/tensors.ts";
import type { EngineMap } from "../engine.ts";
import { Exclusive, inProgram } from "./exclusive.ts";
import type { EncodedModel, Executor, OpenOptions, Run, Session } from "./executor.ts";
import { hostMemory, pickHostTensors } from "./hostBuffers.ts";
import type { PoolOptions } from "./ortEnvironment.ts";

/** ONNX Runtime through onnxruntime-node's own API: outputs are copied, and the JavaScript thread waits. */
export class OrtJs implements Executor {
  readonly name = "js";
  readonly provider = "cpu";
  readonly memory = hostMemory;
  readonly version = ort.env.versions.node ?? ort.env.versions.common;
  readonly threads: number;
  readonly native = undefined;

  private readonly spin: boolean;

  constructor({ threads, spin }: PoolOptions) {
    this.threads = threads;
    this.spin = spin;
    ort.env.logLevel = "fatal";
  }

  async open(model: EncodedModel, { optimize = true, saveTo }: OpenOptions = {}): Promise<Session> {
    try {
      const session = await ort.InferenceSession.create(model.bytes, {
        intraOpNumThreads: this.threads,
        interOpNumThreads: 1,
        enableMemPattern: false,
        graphOptimizationLevel: optimize ? "basic" : "disabled",
        ...(saveTo === undefined ? {} : { optimizedModelFilePath: saveTo }),
        extra: { session: { intra_op: { allow_spinning: this.spin ? "1" : "0" } } },
      });
      return new JsSession(model, session);
    } catch (error) {
      throw inProgram(model.name, error);
    }
  }

  async dispose(): Promise<void> {}
}

class JsSession implements Session {
  readonly fallbacks = [];
  private readonly model: Omit<EncodedModel, "bytes">;
  private readonly session: ort.InferenceSession;
  private readonly runs = new Set<JsRun>();
  private disposed = false;

  constructor({ name, inputs, outputs }: EncodedModel, session: ort.InferenceSession) {
    this.model = { name, inputs, outputs };
    this.session = session;
  }

  bind(inputs: EngineMap, outputs: EngineMap): Run {
    const { name } = this.model;
    if (this.disposed) throw new Error(`${name}: it was disposed`);
    const inputTensors = pickHostTensors(name, "input", this.model.inputs, inputs);
    const outputTensors = pickHostTensors(name, "output", this.model.outputs, outputs);
    const run = new JsRun(name, this.session, inputTensors, outputTensors, (self) => this.runs.delete(self));
    this.runs.add(run);
    return run;
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    for (const run of this.runs) {
      await run.idle();
      run.dispose();
    }
    await this.session.release();
  }
}

class JsRun implements Run {
  private readonly session: ort.InferenceSession;
  private readonly feeds: ort.InferenceSession.FeedsType;
  private readonly outputs: readonly [string, HostTensor][];
  private readonly forget: (run: JsRun) => void;
  private readonly guard: Exclusive;

  constructor(
    program: string,
    session: ort.InferenceSession,
    inputs: readonly [string, HostTensor][],
    outputs: readonly [string, HostTensor][],
    forget: (run: JsRun) => void,
  ) {
    this.session = session;
    this.feeds = Object.fromEntries(inputs.map(([name, tensor]) => [name, wrap(tensor)]));
    this.outputs = outputs;
    this.forget = forget;
    this.guard = new Exclusive(program);
  }

  run(): Promise<void> {
    return this.guard.run(async () => {
      const fetched = await this.session.run(
        this.feeds,
        this.outputs.map(([name]) => name),
      );
      for (const [name, { data }] of this.outputs) copyInto(data, fetched[name]);
    });
  }

  idle(): Promise<void> {
    return this.guard.idle();
  }

  dispose(): void {
    this.guard.close(() => this.forget(this));
  }
}

function wrap({ dtype, data, shape }: HostTensor): ort.Tensor {
  return new ort.Tensor(dtype, data, shape);
}

function copyInto(target: HostTensor["data"], fetched: ort.Tensor | undefined): void {
  const source = fetched?.data;
  const fits = source instanceof Float32Array || source instanceof Int32Array || source instanceof Uint8Array;
  assert(fits && source.length === target.length, "ONNX Runtime returned an output of another type or size");
  target.set(source);
}
