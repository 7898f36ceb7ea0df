import { assert } from "../../base/errors.ts";
import type { HostTensor, TensorSpec } from "../../base/tensors.ts";
import type { DeviceTensor, EngineMap, EngineMemory, Fallback } from "../engine.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import { NATIVE_DOMAIN } from "../native/customOp.ts";
import { kernelOp } from "../native/kernelOps.ts";
import type { KernelCall } from "../native/kernelSpec.ts";
import { kernelIsas } from "../native/support.ts";
import type { ProviderName } from "../onnx/provider.ts";
import type { Adapter } from "./adapter.ts";
import { bytesOf, type Copy, DeviceMemory } from "./deviceMemory.ts";
import { Exclusive, inProgram } from "./exclusive.ts";
import type { EncodedModel, Executor, OpenOptions, Run, Session } from "./executor.ts";
import { hostMemory, isHost, pickHostTensors, pickTensors } from "./hostBuffers.ts";
import { hostValue } from "./hostValue.ts";
import { acquireEnvironment, type OrtEnvironment, type PoolOptions, releaseEnvironment } from "./ortEnvironment.ts";
import { nativePath, type Pointer } from "./ortLibrary.ts";
import { findFallbacks, recordPlacement } from "./placement.ts";
import { type DeviceOptions, openProvider, type Provider } from "./provider.ts";

const OPTIMIZE_NOTHING = 0;
/** ORT_ENABLE_BASIC: higher levels take superlinear time on training graphs and gain nothing. */
const OPTIMIZE_BASIC = 1;

/** A device and the memory of it. */
interface Target {
  readonly provider: Provider;
  readonly memory: DeviceMemory;
}

/** ONNX Runtime through its C API: runs read and write memory in place, in a worker thread. */
export class OrtC implements Executor {
  readonly name = "c";
  readonly version: string;
  readonly threads: number;
  readonly native: VectorIsa | undefined;
  readonly provider: ProviderName;
  private readonly spin: boolean;
  private readonly environment: OrtEnvironment;
  private readonly target: Target | undefined;
  private disposed = false;

  /**
   * @param device none: host memory and processors. @param isa what native kernels are written in, if they run here.
   * @throws Error when the library or the device cannot be used.
   */
  constructor(pool: PoolOptions, device?: DeviceOptions, isa: VectorIsa | undefined = kernelIsas()[0]) {
    this.environment = acquireEnvironment(pool);
    this.version = this.environment.library.version;
    this.threads = pool.threads;
    this.spin = pool.spin;
    this.provider = device?.name ?? "cpu";
    this.native = device === undefined ? isa : undefined;
    try {
      this.target = device === undefined ? undefined : this.openTarget(device);
    } catch (error) {
      releaseEnvironment();
      throw error;
    }
  }

  /** The devices that ONNX Runtime tells of. */
  get adapters(): readonly Adapter[] {
    return this.target?.provider.adapters ?? [];
  }

  get memory(): EngineMemory {
    return this.target?.memory ?? hostMemory;
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
      this.target?.provider.append(options);
      if (this.target !== undefined) recordPlacement(library, options);
      const kernels = this.addKernels(options, model.kernels ?? []);
      try {
        const { bytes } = model;
        const session = await library.makeAsync("CreateSessionFromArray", env, bytes, bytes.length, options);
        const fallbacks = this.target === undefined ? [] : findFallbacks(library, session, this.target.provider);
        return new CSession(this.environment, model, { session, kernels, device: this.target?.memory, fallbacks });
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
    const { native } = this;
    if (calls.length === 0) return undefined;
    assert(native !== undefined, "a model with native kernels comes where they run");
    const domain = library.make("CreateCustomOpDomain", NATIVE_DOMAIN);
    for (const call of calls)
      library.call("CustomOpDomain_Add", domain, kernelOp(call, this.threads, native, library.forKernels));
    library.call("AddCustomOpDomain", options, domain);
    return domain;
  }

  private openTarget(device: DeviceOptions): Target {
    const provider = openProvider(this.environment, device);
    return { provider, memory: new DeviceMemory(this.environment, provider) };
  }

  async dispose(): Promise<void> {
    if (!this.disposed) {
      this.target?.memory.dispose();
      releaseEnvironment();
    }
    this.disposed = true;
  }
}

/** What ONNX Runtime made of a model. */
interface LoadedModel {
  readonly session: Pointer;
  /** The operator set of its native kernels, if it calls any. */
  readonly kernels: Pointer | undefined;
  readonly device: DeviceMemory | undefined;
  readonly fallbacks: readonly Fallback[];
}

class CSession implements Session {
  readonly fallbacks: readonly Fallback[];
  private readonly environment: OrtEnvironment;
  private readonly device: DeviceMemory | undefined;
  private readonly model: Omit<EncodedModel, "bytes">;
  private readonly runs = new Set<CRun>();
  private readonly kernels: Pointer | undefined;
  private session: Pointer | undefined;

  constructor(environment: OrtEnvironment, { name, inputs, outputs }: EncodedModel, loaded: LoadedModel) {
    this.environment = environment;
    this.model = { name, inputs, outputs };
    this.session = loaded.session;
    this.kernels = loaded.kernels;
    this.device = loaded.device;
    this.fallbacks = loaded.fallbacks;
  }

  bind(inputs: EngineMap, outputs: EngineMap): Run {
    const { name } = this.model;
    if (this.session === undefined) throw new Error(`${name}: it was disposed`);
    const pick = this.device === undefined ? pickHostTensors : pickTensors;
    const inputTensors = pick(name, "input", this.model.inputs, inputs);
    const outputTensors = pick(name, "output", this.model.outputs, outputs);
    const run = new CRun(this.environment, name, this.session, this.device, this.fallbacks.length > 0, (self) =>
      this.runs.delete(self),
    );
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
  private readonly device: DeviceMemory | undefined;
  /** Whether some nodes run on the processors although there is a device. */
  private readonly mixed: boolean;
  private readonly binding: Pointer;
  private readonly forget: (run: CRun) => void;
  private readonly guard: Exclusive;
  private readonly values: Pointer[] = [];
  /** Device tensors that host tensors are copied to or from. */
  private readonly companions: { readonly value: Pointer; readonly spec: TensorSpec }[] = [];
  private readonly inputs: { readonly name: string; readonly value: Pointer }[] = [];
  private readonly uploads: Copy[] = [];
  private readonly downloads: Copy[] = [];
  /** Held so that the memory that native code uses stays where it is. */
  private readonly held: ArrayBufferView[] = [];

  constructor(
    environment: OrtEnvironment,
    program: string,
    session: Pointer,
    device: DeviceMemory | undefined,
    mixed: boolean,
    forget: (run: CRun) => void,
  ) {
    this.mixed = mixed;
    this.environment = environment;
    this.session = session;
    this.device = device;
    this.binding = environment.library.make("CreateIoBinding", session);
    this.forget = forget;
    this.guard = new Exclusive(program);
  }

  /** Makes a tensor one input or output. On a device, a host tensor gets a companion there that runs copy to or from. */
  tie(side: "BindInput" | "BindOutput", name: string, tensor: HostTensor | DeviceTensor): void {
    const value = this.valueOf(side, tensor);
    this.environment.library.call(side, this.binding, name, value);
    if (side === "BindInput") this.inputs.push({ name, value });
  }

  run(): Promise<void> {
    const { library } = this.environment;
    const { device } = this;
    const compute = () => library.callAsync("RunWithBinding", this.session, null, this.binding);
    if (device === undefined) return this.guard.run(compute);
    const work = async () => {
      await device.upload(this.uploads);
      if (this.mixed) this.bindInputsAgain();
      await compute();
      await device.download(this.downloads);
    };
    return this.guard.run(() => device.queue.run(work));
  }

  idle(): Promise<void> {
    return this.guard.idle();
  }

  dispose(): void {
    const { library } = this.environment;
    this.guard.close(() => {
      library.release("ReleaseIoBinding", this.binding);
      for (const value of this.values) library.release("ReleaseValue", value);
      for (const { value, spec } of this.companions) this.device?.free(value, spec);
      this.held.length = 0;
      this.forget(this);
    });
  }

  /** ONNX Runtime copies an input that a node on the processors reads when it is bound, not when it is run. */
  private bindInputsAgain(): void {
    for (const { name, value } of this.inputs) this.environment.library.call("BindInput", this.binding, name, value);
  }

  private valueOf(side: "BindInput" | "BindOutput", tensor: HostTensor | DeviceTensor): Pointer {
    if (!isHost(tensor)) return (this.device as DeviceMemory).ortValue(tensor);
    const host = hostValue(this.environment, tensor);
    this.values.push(host);
    this.held.push(tensor.data);
    if (this.device === undefined) return host;
    const device = this.device.allocate(tensor);
    this.companions.push({ value: device, spec: tensor });
    const copies = side === "BindInput" ? this.uploads : this.downloads;
    copies.push({ host, device, bytes: bytesOf(tensor) });
    return device;
  }
}
