import { encodeOnnx } from "../onnx/encode.ts";
import { type OrtLibrary, ortLibrary, type Pointer } from "./ortLibrary.ts";

/** Only messages that end the process are printed; every other error comes back as a status. */
const SEVERITY_FATAL = 4;
/** OrtArenaAllocator, OrtMemTypeDefault. */
const ARENA_ALLOCATOR = 1;
const MEMORY_DEFAULT = 0;
/** kSameAsRequested: the arena grows by what is asked for, not by doubling. */
const GROW_AS_REQUESTED = 1;

/** The smallest model: y = x. */
export const identityModel = encodeOnnx({
  name: "identity",
  opsets: { "": 21 },
  nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  initializers: [],
  inputs: [{ name: "x", spec: { shape: [], dtype: "float32" } }],
  outputs: [{ name: "y", spec: { shape: [], dtype: "float32" } }],
});

/**
 * What all sessions of the process share: one thread pool and one arena. ONNX Runtime keeps a single environment per
 * process; pools per session would spin against each other, arenas per session would each keep their peak.
 */
export interface OrtEnvironment {
  readonly library: OrtLibrary;
  readonly env: Pointer;
  /** Describes host memory. */
  readonly memoryInfo: Pointer;
  /** Threads of the shared pool, the caller's among them. Undefined when other code in the process came first. */
  readonly threads: number | undefined;
}

let shared: { environment: OrtEnvironment; numUsers: number } | undefined;

/** How the shared pool works. */
export interface PoolOptions {
  readonly threads: number;
  /** Whether idle threads wait busily for work: quicker on an idle machine, and in the way on a busy one. */
  readonly spin: boolean;
}

/**
 * The process' environment, made as the first user wants it. Later users share it as it is: see `threads` of what they
 * get. Each calls `releaseEnvironment` once.
 */
export function acquireEnvironment(pool: PoolOptions): OrtEnvironment {
  shared ??= { environment: createEnvironment(pool), numUsers: 0 };
  shared.numUsers++;
  return shared.environment;
}

/** Frees the environment after its last user. */
export function releaseEnvironment(): void {
  if (shared === undefined || --shared.numUsers > 0) return;
  const { library, memoryInfo, env } = shared.environment;
  library.release("ReleaseMemoryInfo", memoryInfo);
  library.release("ReleaseEnv", env);
  shared = undefined;
}

function createEnvironment({ threads, spin }: PoolOptions): OrtEnvironment {
  const library = ortLibrary();
  const threading = library.make("CreateThreadingOptions");
  try {
    library.call("SetGlobalIntraOpNumThreads", threading, threads);
    library.call("SetGlobalInterOpNumThreads", threading, 1);
    library.call("SetGlobalSpinControl", threading, Number(spin));
    const env = library.make("CreateEnvWithGlobalThreadPools", SEVERITY_FATAL, "kinema", threading);
    // On Windows there is only this; it misses the first of the reports.
    library.call("DisableTelemetryEvents", env);
    const memoryInfo = library.make("CreateCpuMemoryInfo", ARENA_ALLOCATOR, MEMORY_DEFAULT);
    const arena = library.make("CreateArenaCfg", 0, GROW_AS_REQUESTED, -1, -1);
    try {
      library.call("CreateAndRegisterAllocator", env, memoryInfo, arena);
    } finally {
      library.release("ReleaseArenaCfg", arena);
    }
    return { library, env, memoryInfo, threads: hasSharedPool(library, env) ? threads : undefined };
  } finally {
    library.release("ReleaseThreadingOptions", threading);
  }
}

/** False when onnxruntime-node made the process' environment first: then only pools per session can be had. */
function hasSharedPool(library: OrtLibrary, env: Pointer): boolean {
  const options = library.make("CreateSessionOptions");
  try {
    library.call("DisablePerSessionThreads", options);
    const session = library.make("CreateSessionFromArray", env, identityModel, identityModel.length, options);
    library.release("ReleaseSession", session);
    return true;
  } catch {
    return false;
  } finally {
    library.release("ReleaseSessionOptions", options);
  }
}
