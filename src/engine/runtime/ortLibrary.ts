import "./silence.ts";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { assert } from "../../base/errors.ts";
import type { RuntimeFunctions } from "../native/customOp.ts";
import { foreign } from "../native/foreign.ts";

/** An address in native memory. */
export type Pointer = bigint;

/** What a native function takes: an address, a number, strings that it copies, or memory that it reads or writes. */
export type Argument = Pointer | number | string | null | ArrayBufferView | readonly string[];

/**
 * The functions of ONNX Runtime's C API in use: place in its function table, and prototype. The table only ever
 * grows at its end, so places hold for every later version. Source: onnxruntime_c_api.h, struct OrtApi.
 */
const table = {
  GetErrorMessage: [2, "const char *F(void *status)"],
  CreateSessionFromArray: [8, "void *F(void *env, void *model, size_t bytes, void *options, void *out)"],
  CreateSessionOptions: [10, "void *F(void *out)"],
  SetOptimizedModelFilePath: [11, "void *F(void *options, void *path)"],
  DisableMemPattern: [17, "void *F(void *options)"],
  SetSessionGraphOptimizationLevel: [23, "void *F(void *options, int level)"],
  SetIntraOpNumThreads: [24, "void *F(void *options, int threads)"],
  SetInterOpNumThreads: [25, "void *F(void *options, int threads)"],
  CreateCustomOpDomain: [26, "void *F(const char *domain, void *out)"],
  CustomOpDomain_Add: [27, "void *F(void *domain, void *op)"],
  AddCustomOpDomain: [28, "void *F(void *options, void *domain)"],
  CreateTensorAsOrtValue: [48, "void *F(void *allocator, void *shape, size_t rank, int type, void *out)"],
  CreateTensorWithDataAsOrtValue: [
    49,
    "void *F(void *info, void *data, size_t bytes, void *shape, size_t rank, int type, void *out)",
  ],
  CreateMemoryInfo: [68, "void *F(const char *name, int allocator, int id, int memory, void *out)"],
  CreateCpuMemoryInfo: [69, "void *F(int allocator, int memory, void *out)"],
  ReleaseEnv: [92, "void F(void *env)"],
  ReleaseStatus: [93, "void F(void *status)"],
  ReleaseMemoryInfo: [94, "void F(void *info)"],
  ReleaseSession: [95, "void F(void *session)"],
  ReleaseValue: [96, "void F(void *value)"],
  ReleaseSessionOptions: [100, "void F(void *options)"],
  ReleaseCustomOpDomain: [101, "void F(void *domain)"],
  DisableTelemetryEvents: [6, "void *F(void *env)"],
  CreateEnvWithGlobalThreadPools: [119, "void *F(int severity, const char *id, void *threading, void *out)"],
  DisablePerSessionThreads: [120, "void *F(void *options)"],
  CreateThreadingOptions: [121, "void *F(void *out)"],
  ReleaseThreadingOptions: [122, "void F(void *threading)"],
  AddSessionConfigEntry: [130, "void *F(void *options, const char *key, const char *value)"],
  CreateAllocator: [131, "void *F(void *session, void *info, void *out)"],
  ReleaseAllocator: [132, "void F(void *allocator)"],
  RunWithBinding: [133, "void *F(void *session, void *runOptions, void *binding)"],
  CreateIoBinding: [134, "void *F(void *session, void *out)"],
  ReleaseIoBinding: [135, "void F(void *binding)"],
  BindInput: [136, "void *F(void *binding, const char *name, void *value)"],
  BindOutput: [137, "void *F(void *binding, const char *name, void *value)"],
  CreateAndRegisterAllocator: [144, "void *F(void *env, void *info, void *arena)"],
  SetGlobalIntraOpNumThreads: [147, "void *F(void *threading, int threads)"],
  SetGlobalInterOpNumThreads: [148, "void *F(void *threading, int threads)"],
  SetGlobalSpinControl: [149, "void *F(void *threading, int spin)"],
  CreateArenaCfg: [156, "void *F(size_t max, int strategy, int initial, int dead, void *out)"],
  ReleaseArenaCfg: [157, "void F(void *arena)"],
  SessionOptionsAppendExecutionProvider: [
    216,
    "void *F(void *options, const char *name, const char **keys, const char **values, size_t count)",
  ],
  GetKeyValuePairs: [298, "void F(void *pairs, void *keys, void *values, void *count)"],
  ReleaseKeyValuePairs: [300, "void F(void *pairs)"],
  RegisterExecutionProviderLibrary: [301, "void *F(void *env, const char *name, void *path)"],
  GetEpDevices: [303, "void *F(void *env, void *devices, void *count)"],
  SessionOptionsAppendExecutionProvider_V2: [
    304,
    "void *F(void *options, void *env, void *devices, size_t numDevices, const char **keys, const char **values, size_t count)",
  ],
  HardwareDevice_Type: [307, "int F(void *device)"],
  HardwareDevice_Vendor: [309, "const char *F(void *device)"],
  HardwareDevice_Metadata: [311, "void *F(void *device)"],
  EpDevice_EpName: [312, "const char *F(void *device)"],
  EpDevice_Device: [316, "void *F(void *device)"],
  AllocatorGetStats: [319, "void *F(void *allocator, void *out)"],
  CopyTensors: [386, "void *F(void *env, void *from, void *to, void *stream, size_t count)"],
  Session_GetEpGraphAssignmentInfo: [407, "void *F(void *session, void *subgraphs, void *count)"],
  EpAssignedSubgraph_GetEpName: [408, "void *F(void *subgraph, void *out)"],
  EpAssignedSubgraph_GetNodes: [409, "void *F(void *subgraph, void *nodes, void *count)"],
  EpAssignedNode_GetName: [410, "void *F(void *node, void *out)"],
  EpAssignedNode_GetOperatorType: [412, "void *F(void *node, void *out)"],
} as const satisfies Record<string, readonly [place: number, prototype: string]>;

/** Functions that native kernels call: their places in the same table. */
const forKernels = {
  GetTensorMutableData: 51,
  KernelContext_GetInput: 90,
  KernelContext_GetOutput: 91,
  KernelContext_ParallelFor: 274,
} as const satisfies Record<keyof RuntimeFunctions, number>;

type FunctionName = keyof typeof table;
type ReleaseName = Extract<FunctionName, `Release${string}`>;
type PlainName = Extract<FunctionName, `HardwareDevice_${string}` | `EpDevice_${string}` | "GetKeyValuePairs">;
type StatusName = Exclude<FunctionName, ReleaseName | PlainName | "GetErrorMessage">;
type NativeFunction = ReturnType<ReturnType<typeof foreign.load>["func"]>;

/** The version of the C API that is asked for. */
const API_VERSION = 24;

const libraryNames: Partial<Record<NodeJS.Platform, RegExp>> = {
  linux: /^libonnxruntime\.so/,
  darwin: /^libonnxruntime.*\.dylib$/,
  win32: /^onnxruntime\.dll$/,
};

/** ONNX Runtime's shared library, as onnxruntime-node ships it, through its C API. */
export class OrtLibrary {
  /** ONNX Runtime's version, e.g. `1.30.0`. */
  readonly version: string;
  /** Addresses of what native kernels call. */
  readonly forKernels: RuntimeFunctions;
  private readonly functions: Record<FunctionName, NativeFunction>;
  /** Held so that the library stays loaded. */
  readonly handle: ReturnType<typeof foreign.load>;

  /** @throws Error when the library is missing for this machine, cannot be loaded, or is too old. */
  constructor() {
    this.handle = foreign.load(findLibrary());
    const base: Pointer = this.handle.func("OrtGetApiBase", "void *", [])();
    this.version = decodeFunction(base, 1, "const char *F()")();
    const api: Pointer | null = decodeFunction(base, 0, "void *F(uint32_t version)")(API_VERSION);
    if (!api) throw new Error(`ONNX Runtime ${this.version} does not offer version ${API_VERSION} of its C API`);
    this.functions = Object.fromEntries(
      Object.entries(table).map(([name, [place, prototype]]) => [name, decodeFunction(api, place, prototype)]),
    ) as Record<FunctionName, NativeFunction>;
    this.forKernels = Object.fromEntries(
      Object.entries(forKernels).map(([name, place]) => [name, functionAt(api, place)]),
    ) as Record<keyof RuntimeFunctions, Pointer>;
  }

  /** Calls a function that returns a status. @throws Error with ONNX Runtime's message when it fails. */
  call(name: StatusName, ...args: Argument[]): void {
    this.check(name, this.functions[name](...args));
  }

  /** Like `call`, in a worker thread. The caller keeps all memory that it passes referenced until this resolves. */
  callAsync(name: StatusName, ...args: Argument[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.functions[name].async(...args, (error: Error | null, status: Pointer | null) => {
        try {
          if (error) throw error;
          this.check(name, status);
          resolve();
        } catch (failure) {
          reject(failure);
        }
      });
    });
  }

  /** Calls a function whose last argument receives an address, and returns that. */
  make(name: StatusName, ...args: Argument[]): Pointer {
    const out = pointerCell();
    this.call(name, ...args, out);
    return readCell(out);
  }

  /** Like `make`, in a worker thread. */
  async makeAsync(name: StatusName, ...args: Argument[]): Promise<Pointer> {
    const out = pointerCell();
    await this.callAsync(name, ...args, out);
    return readCell(out);
  }

  /** Calls a function that cannot fail, and gives what it returns. */
  tell(name: PlainName, ...args: Argument[]): Pointer | string | number | null {
    return this.functions[name](...args);
  }

  /** Calls a function whose last two arguments receive the address of a list of addresses and its length. */
  list(name: StatusName, ...args: Argument[]): Pointer[] {
    const [list, count] = [pointerCell(), pointerCell()];
    this.call(name, ...args, list, count);
    return readPointers(list[0] ?? 0n, Number(count[0]));
  }

  /** Calls a function whose last argument receives the address of a text, and gives the text. */
  text(name: StatusName, ...args: Argument[]): string {
    return readText(this.make(name, ...args));
  }

  /** The entries of a list of keys and values. */
  pairs(at: Pointer): Record<string, string> {
    const [keys, values, count] = [pointerCell(), pointerCell(), pointerCell()];
    this.functions.GetKeyValuePairs(at, keys, values, count);
    const texts = (cell: BigUint64Array) => readPointers(cell[0] ?? 0n, Number(count[0])).map(readText);
    const named = texts(values);
    return Object.fromEntries(texts(keys).map((key, i) => [key, named[i] ?? ""]));
  }

  /** Frees an object. */
  release(name: ReleaseName, object: Pointer): void {
    this.functions[name](object);
  }

  private check(name: StatusName, status: Pointer | null): void {
    if (!status) return;
    const message: string = this.functions.GetErrorMessage(status);
    this.functions.ReleaseStatus(status);
    throw new Error(`ONNX Runtime: ${name}: ${message}`);
  }
}

let loaded: OrtLibrary | undefined;

/** The library, loaded on first use and kept for the life of the process. */
export function ortLibrary(): OrtLibrary {
  loaded ??= new OrtLibrary();
  return loaded;
}

function decodeFunction(tableAt: Pointer, place: number, prototype: string): NativeFunction {
  const anonymous = prototype.replace("F(", "(");
  return foreign.decode(functionAt(tableAt, place), foreign.proto(anonymous));
}

function functionAt(tableAt: Pointer, place: number): Pointer {
  return foreign.decode(tableAt, place * foreign.sizeof("void *"), "void *");
}

/** Eight bytes outside the JavaScript heap, so that they do not move. */
function pointerCell(): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(8));
}

function readCell(cell: BigUint64Array): Pointer {
  const value = cell[0];
  assert(value !== undefined && value !== 0n, "a native constructor returned no object");
  return value;
}

function readPointers(at: Pointer, count: number): Pointer[] {
  const bytes = foreign.sizeof("void *");
  return Array.from({ length: count }, (_, i): Pointer => foreign.decode(at, i * bytes, "void *"));
}

function readText(at: Pointer): string {
  return foreign.decode(at, "char", -1);
}

/** Path of the library inside onnxruntime-node. @throws Error when the package has none for this machine. */
export function findLibrary(): string {
  const root = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const pattern = libraryNames[process.platform];
  for (const napi of readdirSync(join(root, "bin"))) {
    const folder = join(root, "bin", napi, process.platform, process.arch);
    const file = pattern && listFolder(folder).find((name) => pattern.test(name));
    if (file !== undefined) return join(folder, file);
  }
  throw new Error(`onnxruntime-node has no library for ${process.platform}-${process.arch}`);
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** A path as the C API takes it: wide characters on Windows, UTF-8 elsewhere. */
export function nativePath(path: string): Uint8Array {
  return Buffer.from(`${path}\0`, process.platform === "win32" ? "utf16le" : "utf8");
}
