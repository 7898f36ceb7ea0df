import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { DeviceName } from "../onnx/provider.ts";
import type { Adapter } from "./adapter.ts";
import { type EpDevice, findEpDevices } from "./epDevices.ts";
import type { OrtEnvironment } from "./ortEnvironment.ts";
import { findLibrary, nativePath, type Pointer } from "./ortLibrary.ts";

export interface DeviceOptions {
  readonly name: DeviceName;
  /** CUDA: whether products of 32-bit floats may use the tensor cores' 10 bits of mantissa. */
  readonly tf32: boolean;
  /** CUDA: path of ONNX Runtime's provider library. Beside ONNX Runtime's own library when not given. */
  readonly cudaLibrary?: string | undefined;
}

/** A device as sessions ask for it. */
export interface Provider {
  readonly name: DeviceName;
  /** ONNX Runtime's name of its memory. */
  readonly memoryName: string;
  /** ONNX Runtime's name of the provider: what its nodes are placed on. */
  readonly providerName: string;
  /** Devices that ONNX Runtime tells of; none for WebGPU. */
  readonly adapters: readonly Adapter[];
  /** Puts the provider into a session's options. */
  append(options: Pointer): void;
}

/** @throws Error telling why the provider cannot be used. */
export function openProvider(environment: OrtEnvironment, options: DeviceOptions): Provider {
  return options.name === "webgpu" ? webgpu(environment) : cuda(environment, options);
}

/** What ONNX Runtime says where there is neither a GPU nor a software driver. */
const NO_ADAPTER = /Failed to get a WebGPU adapter/;

function webgpu({ library }: OrtEnvironment): Provider {
  return {
    name: "webgpu",
    memoryName: "WebGPU_Buffer",
    providerName: "WebGpuExecutionProvider",
    adapters: [],
    append: (options) => {
      try {
        library.call("SessionOptionsAppendExecutionProvider", options, "WebGPU", ["enableInt64"], ["1"], 1);
      } catch (error) {
        if (!NO_ADAPTER.test(String(error))) throw error;
        throw new Error(
          "no WebGPU adapter: neither a GPU's driver for Vulkan, Metal or Direct3D 12 nor a software one",
        );
      }
    },
  };
}

const CUDA_PROVIDER = "CUDAExecutionProvider";

/** Environments that know the library: with it ONNX Runtime knows its devices and how to copy to them. */
const registered = new WeakSet<OrtEnvironment>();

function cuda(environment: OrtEnvironment, options: DeviceOptions): Provider {
  const { library, env } = environment;
  const path = cudaLibrary(options.cudaLibrary);
  if (!registered.has(environment)) {
    library.call("RegisterExecutionProviderLibrary", env, CUDA_PROVIDER, nativePath(path));
    registered.add(environment);
  }
  const devices = findEpDevices(environment).filter(({ providerName }) => providerName === CUDA_PROVIDER);
  const [first] = devices;
  if (first === undefined) throw new Error(`${path} finds no CUDA device`);
  const entries = Object.entries(cudaEntries(options));
  const list = new BigUint64Array(new ArrayBuffer(8)).fill(first.at);
  return {
    name: "cuda",
    memoryName: "Cuda",
    providerName: CUDA_PROVIDER,
    adapters: devices.map(adapterOf),
    append: (sessionOptions) => {
      const keys = entries.map(([key]) => key);
      const values = entries.map(([, value]) => value);
      library.call("SessionOptionsAppendExecutionProvider_V2", sessionOptions, env, list, 1, keys, values, keys.length);
    },
  };
}

/** ONNX Runtime tells no limits of a CUDA device. */
function adapterOf({ vendor, metadata }: EpDevice): Adapter {
  const facts = Object.entries(metadata).map(([key, value]) => `${key} ${value}`);
  return {
    name: [vendor, ...facts].join(", "),
    type: metadata.Discrete === "0" ? "integrated" : "discrete",
    memoryBytes: undefined,
    maxTensorBytes: undefined,
    maxGroupThreads: undefined,
    groupMemoryBytes: undefined,
    f16: true,
  };
}

/** What ONNX Runtime's CUDA provider is told. */
export function cudaEntries({ tf32 }: Pick<DeviceOptions, "tf32">): Record<string, string> {
  return {
    use_tf32: tf32 ? "1" : "0",
    // The arena grows by what is asked for: doubling leaves half of a large model's memory unused.
    arena_extend_strategy: "kSameAsRequested",
    cudnn_conv_use_max_workspace: "1",
  };
}

const cudaNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libonnxruntime_providers_cuda.so",
  win32: "onnxruntime_providers_cuda.dll",
};

/** Where the CUDA provider's library is. @throws UserError when it is not there. */
export function cudaLibrary(given: string | undefined): string {
  const name = cudaNames[process.platform];
  if (name === undefined)
    throw new UserError("engine.provider cuda", { expected: "Linux or Windows", got: process.platform });
  const path = given ?? join(dirname(findLibrary()), name);
  if (!existsSync(path)) {
    throw new UserError(given === undefined ? "engine.provider cuda" : "engine.cudaLibrary", {
      expected: "ONNX Runtime's CUDA provider library",
      got: `no file ${path}`,
      try: `engine.cudaLibrary=PATH of ${name} from a GPU build of the same version, with its providers_shared library beside it`,
    });
  }
  return path;
}
