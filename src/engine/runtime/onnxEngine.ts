import { sha256 } from "../../base/hash.ts";
import { traceProgram } from "../compile.ts";
import type {
  Binding,
  DeviceUse,
  Engine,
  EngineMap,
  EngineMemory,
  Fallback,
  Program,
  Signature,
  TensorFn,
  Transfers,
} from "../engine.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import { whyNoKernels } from "../native/support.ts";
import { encodeOnnx } from "../onnx/encode.ts";
import { lowerToOnnx } from "../onnx/lower.ts";
import type { ProviderName } from "../onnx/provider.ts";
import type { Precision } from "../precision.ts";
import { explained } from "./deviceFailure.ts";
import type { EncodedModel, Executor, Session } from "./executor.ts";
import { type ExecutorName, openExecutor } from "./executors.ts";
import { completed, onlyHost } from "./hostBuffers.ts";
import { refuseFallbacks } from "./placement.ts";
import { probePrecision } from "./precisionProbe.ts";
import type { ProgramCache } from "./programCache.ts";
import type { DeviceOptions } from "./provider.ts";

export interface OnnxEngineOptions {
  /** Threads that one run uses. */
  readonly threads: number;
  /** Whether idle threads wait busily. Default false. */
  readonly spin?: boolean;
  /** `auto`: the C API where it loads, else onnxruntime-node's own. */
  readonly executor?: ExecutorName | "auto";
  /** `native`: kernels of our own where they are faster. `ort`: ONNX Runtime's alone. `auto`: native where they run. */
  readonly kernels?: KernelChoice;
  /** Where optimised models are kept between starts. None: they are not. */
  readonly cache?: ProgramCache | undefined;
  /** The device that computes. None: the processors. */
  readonly device?: DeviceOptions | undefined;
  /** Whether programs with nodes that the device cannot compute are refused. Default false: processors compute those. */
  readonly strict?: boolean;
  /** Of products and convolutions. Default f32. */
  readonly precision?: Precision;
}

export const kernelChoices = ["auto", "ort", "native"] as const;
export type KernelChoice = (typeof kernelChoices)[number];

/**
 * The compiled engine: a function is recorded once for a signature and runs on ONNX Runtime.
 * @throws Error telling why when ONNX Runtime does not load.
 */
export async function createOnnxEngine(options: OnnxEngineOptions): Promise<Engine> {
  const { threads, spin = false, kernels = "auto", device, ...setting } = options;
  const executor = await openExecutor(options.executor ?? "auto", { threads, spin }, device);
  if (kernels === "native" && executor.native === undefined) {
    await executor.dispose();
    throw new Error(
      `native kernels do not run here: ${whyNoKernels() ?? "they need executor c and provider cpu"}; try kernels auto`,
    );
  }
  const engine = new OnnxEngine(executor, { ...setting, native: kernels !== "ort" });
  if (device === undefined || engine.precision === "f32") return engine;
  try {
    await probePrecision(engine);
    return engine;
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

interface EngineSetting {
  /** Whether native kernels are used where the executor runs them. Default false. */
  readonly native?: boolean;
  readonly cache?: ProgramCache | undefined;
  readonly strict?: boolean;
  readonly precision?: Precision;
}

/** The compiled engine over an executor, which it owns from then on. */
export class OnnxEngine implements Engine {
  readonly kind = "onnx";
  readonly description: string;
  readonly precision: Precision;
  private readonly executor: Executor;
  private readonly native: VectorIsa | undefined;
  private readonly cache: ProgramCache | undefined;
  private readonly strict: boolean;
  private readonly programs = new Set<OnnxProgram>();

  constructor(executor: Executor, { cache, native = false, strict = false, precision = "f32" }: EngineSetting = {}) {
    this.executor = executor;
    // Kernels of our own compute in 32 bits only.
    this.native = native && precision === "f32" ? executor.native : undefined;
    this.cache = executor.provider === "cpu" ? cache : undefined;
    this.strict = strict;
    this.precision = precision;
    this.description = `onnx on ${executor.provider}, ${precision}`;
  }

  get memory(): EngineMemory["memory"] {
    return this.executor.memory.memory;
  }

  get transfers(): Transfers {
    return this.executor.memory.transfers;
  }

  get deviceUse(): DeviceUse | undefined {
    return this.executor.memory.deviceUse;
  }

  place(tensors: EngineMap): Promise<EngineMap> {
    return explained(this.executor.provider, () => this.executor.memory.place(tensors));
  }

  fetch(tensors: EngineMap) {
    return explained(this.executor.provider, () => this.executor.memory.fetch(tensors));
  }

  release(tensors: EngineMap): void {
    this.executor.memory.release(tensors);
  }

  async compile(name: string, fn: TensorFn, signature: Signature): Promise<Program> {
    const started = performance.now();
    const { graph, inputs, outputs, flops, digest } = traceProgram(name, fn, signature, this.precision);
    const { provider } = this.executor;
    const model = lowerToOnnx(graph, { provider, native: this.native });
    const kernels = model.kernels ?? [];
    const encoded = { name, bytes: encodeOnnx(model), inputs, outputs, kernels };
    const { session, cached } = await explained(provider, () => this.open(encoded));
    if (this.strict) await refuseFallbacks(name, provider, session);
    const compileMs = performance.now() - started;
    const program = new OnnxProgram(
      { name, inputs, outputs, flops, digest, compileMs, cached, provider },
      session,
      (self) => this.programs.delete(self),
    );
    this.programs.add(program);
    return program;
  }

  private async open(model: EncodedModel): Promise<{ session: Session; cached: boolean }> {
    const { cache, executor } = this;
    if (cache === undefined) return { session: await executor.open(model), cached: false };
    const key = sha256(`${sha256(model.bytes)} ${executor.version} ${process.platform} ${process.arch}`);
    const bytes = await cache.read(key);
    if (bytes !== undefined)
      return { session: await executor.open({ ...model, bytes }, { optimize: false }), cached: true };
    return { session: await cache.store(key, (saveTo) => executor.open(model, { saveTo })), cached: false };
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.programs].map((program) => program.dispose()));
    await this.executor.dispose();
  }
}

interface Facts extends Pick<Program, "name" | "inputs" | "outputs" | "flops" | "digest" | "compileMs" | "cached"> {
  readonly provider: ProviderName;
}

class OnnxProgram implements Program {
  readonly name: string;
  readonly inputs: Signature;
  readonly outputs: Signature;
  readonly compileMs: number;
  readonly flops: number | undefined;
  readonly digest: string | undefined;
  readonly cached: boolean;
  readonly fallbacks: readonly Fallback[];
  private readonly provider: ProviderName;
  private readonly session: Session;
  private readonly forget: (program: OnnxProgram) => void;

  constructor(facts: Facts, session: Session, forget: (program: OnnxProgram) => void) {
    this.name = facts.name;
    this.inputs = facts.inputs;
    this.outputs = facts.outputs;
    this.compileMs = facts.compileMs;
    this.flops = facts.flops;
    this.digest = facts.digest;
    this.cached = facts.cached;
    this.provider = facts.provider;
    this.fallbacks = session.fallbacks;
    this.session = session;
    this.forget = forget;
  }

  bind(inputs: EngineMap, given: EngineMap = {}): Binding {
    const outputs = completed(this.outputs, given);
    const run = this.session.bind(inputs, outputs);
    const { provider } = this;
    const compute = provider === "cpu" ? () => run.run() : () => explained(provider, () => run.run());
    return { outputs: onlyHost(outputs), run: compute, dispose: () => run.dispose() };
  }

  async dispose(): Promise<void> {
    this.forget(this);
    await this.session.dispose();
  }
}
