import { traceProgram } from "../compile.ts";
import type { Binding, Engine, HostMap, Program, Signature, TensorFn } from "../engine.ts";
import { encodeOnnx } from "../onnx/encode.ts";
import { lowerToOnnx } from "../onnx/lower.ts";
import type { Executor, Session } from "./executor.ts";
import { type ExecutorName, openExecutor } from "./executors.ts";
import { completed } from "./hostBuffers.ts";

export interface OnnxEngineOptions {
  /** Threads that one run uses. */
  readonly threads: number;
  /** `auto`: the C API where it loads, else onnxruntime-node's own. */
  readonly executor?: ExecutorName | "auto";
}

/**
 * The compiled engine: a function is recorded once for a signature and runs on ONNX Runtime.
 * @throws Error telling why when ONNX Runtime does not load.
 */
export async function createOnnxEngine({ threads, executor = "auto" }: OnnxEngineOptions): Promise<Engine> {
  return new OnnxEngine(await openExecutor(executor, threads));
}

class OnnxEngine implements Engine {
  readonly kind = "onnx";
  private readonly executor: Executor;
  private readonly programs = new Set<OnnxProgram>();

  constructor(executor: Executor) {
    this.executor = executor;
  }

  async compile(name: string, fn: TensorFn, signature: Signature): Promise<Program> {
    const started = performance.now();
    const { graph, inputs, outputs, flops } = traceProgram(name, fn, signature);
    const bytes = encodeOnnx(lowerToOnnx(graph));
    const session = await this.executor.open({ name, bytes, inputs, outputs });
    const compileMs = performance.now() - started;
    const program = new OnnxProgram({ name, inputs, outputs, flops, compileMs }, session, (self) =>
      this.programs.delete(self),
    );
    this.programs.add(program);
    return program;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.programs].map((program) => program.dispose()));
    await this.executor.dispose();
  }
}

type Facts = Pick<Program, "name" | "inputs" | "outputs" | "flops" | "compileMs">;

class OnnxProgram implements Program {
  readonly name: string;
  readonly inputs: Signature;
  readonly outputs: Signature;
  readonly compileMs: number;
  readonly flops: number | undefined;
  readonly cached = false;
  private readonly session: Session;
  private readonly forget: (program: OnnxProgram) => void;

  constructor(facts: Facts, session: Session, forget: (program: OnnxProgram) => void) {
    this.name = facts.name;
    this.inputs = facts.inputs;
    this.outputs = facts.outputs;
    this.compileMs = facts.compileMs;
    this.flops = facts.flops;
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
