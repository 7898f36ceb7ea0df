import { sha256 } from "../../base/hash.ts";
import { traceProgram } from "../compile.ts";
import type { Binding, Engine, HostMap, Program, Signature, TensorFn } from "../engine.ts";
import { whyNoKernels } from "../native/support.ts";
import { encodeOnnx } from "../onnx/encode.ts";
import { lowerToOnnx } from "../onnx/lower.ts";
import type { EncodedModel, Executor, Session } from "./executor.ts";
import { type ExecutorName, openExecutor } from "./executors.ts";
import { completed } from "./hostBuffers.ts";
import type { ProgramCache } from "./programCache.ts";

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
}

export const kernelChoices = ["auto", "ort", "native"] as const;
export type KernelChoice = (typeof kernelChoices)[number];

/**
 * The compiled engine: a function is recorded once for a signature and runs on ONNX Runtime.
 * @throws Error telling why when ONNX Runtime does not load.
 */
export async function createOnnxEngine({
  threads,
  spin = false,
  executor: choice = "auto",
  kernels = "auto",
  cache,
}: OnnxEngineOptions): Promise<Engine> {
  const executor = await openExecutor(choice, threads, spin);
  if (kernels === "native" && !executor.native) {
    await executor.dispose();
    throw new Error(`native kernels do not run here: ${whyNoKernels() ?? "they need executor c"}; try kernels auto`);
  }
  return new OnnxEngine(executor, kernels !== "ort" && executor.native, cache);
}

class OnnxEngine implements Engine {
  readonly kind = "onnx";
  private readonly executor: Executor;
  private readonly native: boolean;
  private readonly cache: ProgramCache | undefined;
  private readonly programs = new Set<OnnxProgram>();

  constructor(executor: Executor, native: boolean, cache: ProgramCache | undefined) {
    this.executor = executor;
    this.native = native;
    this.cache = cache;
  }

  async compile(name: string, fn: TensorFn, signature: Signature): Promise<Program> {
    const started = performance.now();
    const { graph, inputs, outputs, flops } = traceProgram(name, fn, signature);
    const model = lowerToOnnx(graph, { native: this.native });
    const kernels = model.kernels ?? [];
    const { session, cached } = await this.open({ name, bytes: encodeOnnx(model), inputs, outputs, kernels });
    const compileMs = performance.now() - started;
    const program = new OnnxProgram({ name, inputs, outputs, flops, compileMs, cached }, session, (self) =>
      this.programs.delete(self),
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

type Facts = Pick<Program, "name" | "inputs" | "outputs" | "flops" | "compileMs" | "cached">;

class OnnxProgram implements Program {
  readonly name: string;
  readonly inputs: Signature;
  readonly outputs: Signature;
  readonly compileMs: number;
  readonly flops: number | undefined;
  readonly cached: boolean;
  private readonly session: Session;
  private readonly forget: (program: OnnxProgram) => void;

  constructor(facts: Facts, session: Session, forget: (program: OnnxProgram) => void) {
    this.name = facts.name;
    this.inputs = facts.inputs;
    this.outputs = facts.outputs;
    this.compileMs = facts.compileMs;
    this.flops = facts.flops;
    this.cached = facts.cached;
    this.session = session;
    this.forget = forget;
  }

  bind(inputs: HostMap, given: HostMap = {}): Binding {
    const outputs = completed(this.outputs, given);
    const run = this.session.bind(inputs, outputs);
    return { outputs, run: () => run.run(), dispose: () => run.dispose() };
  }

  async dispose(): Promise<void> {
    this.forget(this);
    await this.session.dispose();
  }
}
