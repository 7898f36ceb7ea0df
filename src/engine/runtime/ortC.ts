import type { HostTensor } from "../../base/tensors.ts";
import type { HostMap } from "../engine.ts";
import { NATIVE_DOMAIN } from "../native/customOp.ts";
import { kernelOp } from "../native/kernelOps.ts";
import type { KernelCall } from "../native/kernelSpec.ts";
import { whyNoKernels } from "../native/support.ts";
import { onnxTypes } from "../onnx/encode.ts";
import { Exclusive, inProgram } from "./exclusive.ts";
import type { EncodedModel, Executor, OpenOptions, Run, Session } from "./executor.ts";
import { pickTensors } from "./hostBuffers.ts";
import { acquireEnvironment, type OrtEnvironment, type PoolOptions, releaseEnvironment } from "./ortEnvironment.ts";
import type { Pointer } from "./ortLibrary.ts";

const OPTIMIZE_NOTHING = 0;
/** ORT_ENABLE_BASIC: higher levels take superlinear time on training graphs and gain nothing. */
const OPTIMIZE_BASIC = 1;

/** ONNX Runtime through its C API: runs read and write host memory in place, in a worker thread. */
export class OrtC implements Executor {
  readonly name = "c";
  readonly version: string;
  readonly threads: number;
  readonly native = whyNoKernels() === undefined;
  private readonly spin: boolean;
  private readonly environment: OrtEnvironment;
  private disposed = false;

  /** @throws Error when the native library cannot be loaded. */
  constructor(pool: PoolOptions) {
    this.environment = acquireEnvironment(pool);
    this.version = this.environment.library.version;
    this.threads = pool.threads;
    this.spin = pool.spin;
  }

  async open(model: EncodedModel, { optimize = true, saveTo }: OpenOptions = {}): Promise<Session> {
    const { library, env } = this.environment;
    const options = library.make("CreateSessionOptions");
    try {
      library.call("DisableMemPattern", options);
      library.call("SetSessionGraphOptimizationLevel", options, optimize ? OPTIMIZE_BASIC : OPTIMIZE_NOTHING);
      if (saveTo !== undefined) library.call("SetOptimizedModelFilePath", options, nativePath(saveTo));
      library.call("AddSessionConfigEntry", options, "session.use_env_allocators", "1");
      this.setThreads(options);
      const kernels = this.addKernels(options, model.kernels ?? []);
      try {
        const session = await library.makeAsync(
          "CreateSessionFromArray",
          env,
          model.bytes,
          model.bytes.length,
          options,
        );
        return new CSession(this.environment, model, session, kernels);
      } catch (error) {
        if (kernels !== undefined) library.release("ReleaseCustomOpDomain", kernels);
        throw error;
      }
    } catch (error) {
      throw inProgram(model.name, error);
    } finally {
      library.release("ReleaseSessionOptions", options);
    }
  }

  /** Sessions use the shared pool where it has the right size, else a pool of their own. */
  private setThreads(options: Pointer): void {
    const { library, threads } = this.environment;
    if (threads === this.threads) {
      library.call("DisablePerSessionThreads", options);
      return;
    }
    library.call("SetIntraOpNumThreads", options, this.threads);
    library.call("SetInterOpNumThreads", options, 1);
    library.call("AddSessionConfigEntry", options, "session.intra_op.allow_spinning", this.spin ? "1" : "0");
  }

  /** The operator set of a model's kernels, which must outlive the session. */
  private addKernels(options: Pointer, calls: readonly KernelCall[]): Pointer | undefined {
    const { library } = this.environment;
    if (calls.length === 0) return undefined;
    const domain = library.make("CreateCustomOpDomain", NATIVE_DOMAIN);
    for (const call of calls)
      library.call("CustomOpDomain_Add", domain, kernelOp(call, this.threads, library.forKernels));
    library.call("AddCustomOpDomain", options, domain);
    return domain;
  }

  async dispose(): Promise<void> {
    if (!this.disposed) releaseEnvironment();
    this.disposed = true;
  }
}

class CSession implements Session {
  private readonly environment: OrtEnvironment;
  private readonly model: Omit<EncodedModel, "bytes">;
  private readonly runs = new Set<CRun>();
  private readonly kernels: Pointer | undefined;
  private session: Pointer | undefined;

  constructor(
    environment: OrtEnvironment,
    { name, inputs, outputs }: EncodedModel,
    session: Pointer,
    kernels: Pointer | undefined,
  ) {
    this.environment = environment;
    this.model = { name, inputs, outputs };
    this.session = session;
    this.kernels = kernels;
  }

  bind(inputs: HostMap, outputs: HostMap): Run {
    const { name } = this.model;
    if (this.session === undefined) throw new Error(`${name}: it was disposed`);
    const inputTensors = pickTensors(name, "input", this.model.inputs, inputs);
    const outputTensors = pickTensors(name, "output", this.model.outputs, outputs);
    const run = new CRun(this.environment, name, this.session, (self) => this.runs.delete(self));
    this.runs.add(run);
    try {
      for (const [value, tensor] of inputTensors) run.tie("BindInput", value, tensor);
      for (const [value, tensor] of outputTensors) run.tie("BindOutput", value, tensor);
      return run;
    } catch (error) {
      run.dispose();
      throw inProgram(name, error);
    }
  }

  async dispose(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    for (const run of this.runs) {
      await run.idle();
      run.dispose();
    }
    if (session === undefined) return;
    this.environment.library.release("ReleaseSession", session);
    if (this.kernels !== undefined) this.environment.library.release("ReleaseCustomOpDomain", this.kernels);
  }
}

class CRun implements Run {
  private readonly environment: OrtEnvironment;
  private readonly session: Pointer;
  private readonly binding: Pointer;
  private readonly forget: (run: CRun) => void;
  private readonly guard: Exclusive;
  private readonly values: Pointer[] = [];
  /** Held so that the memory that native code uses stays where it is. */
  private readonly held: ArrayBufferView[] = [];

  constructor(environment: OrtEnvironment, program: string, session: Pointer, forget: (run: CRun) => void) {
    this.environment = environment;
    this.session = session;
    this.binding = environment.library.make("CreateIoBinding", session);
    this.forget = forget;
    this.guard = new Exclusive(program);
  }

  /** Makes a tensor's memory one input or output. */
  tie(side: "BindInput" | "BindOutput", name: string, tensor: HostTensor): void {
    const { library, memoryInfo } = this.environment;
    const rank = tensor.shape.length;
    const shape = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, rank)));
    shape.set(tensor.shape.map(BigInt));
    const data = outsideHeap(tensor.data);
    const type = onnxTypes[tensor.dtype];
    const bytes = data.byteLength;
    const value = library.make("CreateTensorWithDataAsOrtValue", memoryInfo, data, bytes, shape, rank, type);
    this.values.push(value);
    this.held.push(data);
    library.call(side, this.binding, name, value);
  }

  run(): Promise<void> {
    const { library } = this.environment;
    return this.guard.run(() => library.callAsync("RunWithBinding", this.session, null, this.binding));
  }

  idle(): Promise<void> {
    return this.guard.idle();
  }

  dispose(): void {
    const { library } = this.environment;
    this.guard.close(() => {
      library.release("ReleaseIoBinding", this.binding);
      for (const value of this.values) library.release("ReleaseValue", value);
      this.held.length = 0;
      this.forget(this);
    });
  }
}

/** Touching `buffer` moves a small array's elements out of the collector's reach. Empty arrays have no address. */
function outsideHeap(data: HostTensor["data"]): ArrayBufferView {
  return data.buffer.byteLength === 0 ? new Uint8Array(new ArrayBuffer(1)) : data;
}

/** A path as the C API takes it: wide characters on Windows, UTF-8 elsewhere. */
function nativePath(path: string): Uint8Array {
  return Buffer.from(`${path}\0`, process.platform === "win32" ? "utf16le" : "utf8");
}
