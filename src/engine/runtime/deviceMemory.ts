import { allocate, type HostTensor, sizeOf, type TensorSpec } from "../../base/tensors.ts";
import type { DeviceTensor, DeviceUse, EngineMap, EngineMemory, HostMap, Transfers } from "../engine.ts";
import { onnxTypes } from "../onnx/encode.ts";
import { isHost } from "./hostBuffers.ts";
import { hostValue } from "./hostValue.ts";
import { identityModel, type OrtEnvironment } from "./ortEnvironment.ts";
import type { Pointer } from "./ortLibrary.ts";
import type { Provider } from "./provider.ts";
import { SerialQueue } from "./serialQueue.ts";

/** OrtDeviceAllocator, OrtMemTypeDefault. */
const DEVICE_ALLOCATOR = 0;
const MEMORY_DEFAULT = 0;

/** A tensor in a device's memory. */
export class PlacedTensor implements DeviceTensor {
  readonly shape: readonly number[];
  readonly dtype: TensorSpec["dtype"];
  readonly device: string;
  /** ONNX Runtime's value; undefined once it is freed. */
  value: Pointer | undefined;

  constructor({ shape, dtype }: TensorSpec, device: string, value: Pointer) {
    this.shape = shape;
    this.dtype = dtype;
    this.device = device;
    this.value = value;
  }
}

/** A copy between host memory and the device: ONNX Runtime's values of both ends. */
export interface Copy {
  readonly host: Pointer;
  readonly device: Pointer;
  readonly bytes: number;
}

/**
 * The memory of one device. All copies and runs go through `queue`, one after the other: a device is one queue, and
 * ONNX Runtime's WebGPU provider records the commands of all sessions into one list.
 */
export class DeviceMemory implements EngineMemory {
  readonly memory = "device";
  readonly queue = new SerialQueue();
  private readonly environment: OrtEnvironment;
  private readonly provider: Provider;
  /** Keeps the device and its allocator alive. */
  private readonly anchor: Pointer;
  private readonly allocator: Pointer;
  private readonly counts = { uploads: 0, uploadedBytes: 0, downloads: 0, downloadedBytes: 0, uploadMs: 0 };
  private usedBytes = 0;
  private readonly placed = new Set<PlacedTensor>();

  /** @throws Error when there is no such device. */
  constructor(environment: OrtEnvironment, provider: Provider) {
    const { library, env } = environment;
    this.environment = environment;
    this.provider = provider;
    const options = library.make("CreateSessionOptions");
    try {
      provider.append(options);
      this.anchor = library.make("CreateSessionFromArray", env, identityModel, identityModel.length, options);
    } finally {
      library.release("ReleaseSessionOptions", options);
    }
    const info = library.make("CreateMemoryInfo", provider.memoryName, DEVICE_ALLOCATOR, 0, MEMORY_DEFAULT);
    try {
      this.allocator = library.make("CreateAllocator", this.anchor, info);
    } finally {
      library.release("ReleaseMemoryInfo", info);
    }
  }

  get transfers(): Transfers {
    return { ...this.counts };
  }

  get deviceUse(): DeviceUse {
    const stats = this.environment.library.make("AllocatorGetStats", this.allocator);
    try {
      const peak = Number(this.environment.library.pairs(stats).MaxInUse ?? 0);
      return { tensors: this.usedBytes, peak: peak > 0 ? peak : undefined };
    } finally {
      this.environment.library.release("ReleaseKeyValuePairs", stats);
    }
  }

  /** A tensor whose values are not set. Free it with `free`. */
  allocate({ shape, dtype }: TensorSpec): Pointer {
    this.usedBytes += bytesOf({ shape, dtype });
    const sides = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, shape.length)));
    sides.set(shape.map(BigInt));
    const { library } = this.environment;
    return library.make("CreateTensorAsOrtValue", this.allocator, sides, shape.length, onnxTypes[dtype]);
  }

  async place(tensors: EngineMap): Promise<EngineMap> {
    const made: Record<string, DeviceTensor> = {};
    const copies: { copy: Copy; tensor: HostTensor }[] = [];
    for (const [name, tensor] of Object.entries(tensors)) {
      if (!isHost(tensor)) {
        made[name] = tensor;
        continue;
      }
      const placed = new PlacedTensor(tensor, this.provider.name, this.allocate(tensor));
      this.placed.add(placed);
      made[name] = placed;
      copies.push({ copy: this.copyOf(tensor, placed), tensor });
    }
    await this.transfer(copies, (list) => this.upload(list));
    return made;
  }

  async fetch(tensors: EngineMap): Promise<HostMap> {
    const made: Record<string, HostTensor> = {};
    const copies: { copy: Copy; tensor: HostTensor }[] = [];
    for (const [name, tensor] of Object.entries(tensors)) {
      const host = isHost(tensor) ? tensor : allocate(tensor);
      made[name] = host;
      if (!isHost(tensor)) copies.push({ copy: this.copyOf(host, tensor), tensor: host });
    }
    await this.transfer(copies, (list) => this.download(list));
    return made;
  }

  release(tensors: EngineMap): void {
    for (const tensor of Object.values(tensors)) {
      if (tensor instanceof PlacedTensor) this.remove(tensor);
    }
  }

  /** ONNX Runtime's value of a tensor that was placed here. @throws Error when it was not, or was freed. */
  ortValue(tensor: DeviceTensor): Pointer {
    const known = tensor instanceof PlacedTensor && this.placed.has(tensor) ? tensor.value : undefined;
    if (known === undefined)
      throw new Error(`a tensor is not, or no longer, in this engine's ${this.provider.name} memory`);
    return known;
  }

  /** Copies to the device. Call it in the queue. */
  async upload(copies: readonly Copy[]): Promise<void> {
    if (copies.length === 0) return;
    const started = performance.now();
    await this.copy(
      copies.map(({ host }) => host),
      copies.map(({ device }) => device),
    );
    this.counts.uploadMs += performance.now() - started;
    this.counts.uploads += copies.length;
    this.counts.uploadedBytes += copies.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Copies from the device, when all it was told before is done. Call it in the queue. */
  async download(copies: readonly Copy[]): Promise<void> {
    if (copies.length === 0) return;
    await this.copy(
      copies.map(({ device }) => device),
      copies.map(({ host }) => host),
    );
    this.counts.downloads += copies.length;
    this.counts.downloadedBytes += copies.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Frees what `allocate` made. */
  free(value: Pointer, spec: TensorSpec): void {
    this.environment.library.release("ReleaseValue", value);
    this.usedBytes -= bytesOf(spec);
  }

  dispose(): void {
    const { library } = this.environment;
    for (const tensor of this.placed) this.remove(tensor);
    library.release("ReleaseAllocator", this.allocator);
    library.release("ReleaseSession", this.anchor);
  }

  private copyOf(host: HostTensor, tensor: DeviceTensor): Copy {
    return { host: hostValue(this.environment, host), device: this.ortValue(tensor), bytes: bytesOf(tensor) };
  }

  /** Does copies of tensors that are kept referenced meanwhile, then frees the values of their host ends. */
  private async transfer(
    copies: readonly { readonly copy: Copy; readonly tensor: HostTensor }[],
    work: (copies: readonly Copy[]) => Promise<void>,
  ): Promise<void> {
    try {
      await this.queue.run(() => work(copies.map(({ copy }) => copy)));
    } finally {
      for (const { copy } of copies) this.environment.library.release("ReleaseValue", copy.host);
    }
  }

  private async copy(from: readonly Pointer[], to: readonly Pointer[]): Promise<void> {
    const { library, env } = this.environment;
    await library.callAsync("CopyTensors", env, addresses(from), addresses(to), null, from.length);
  }

  private remove(tensor: PlacedTensor): void {
    if (!this.placed.delete(tensor) || tensor.value === undefined) return;
    this.free(tensor.value, tensor);
    tensor.value = undefined;
  }
}

/** Four bytes a number, one a bool. */
export function bytesOf({ shape, dtype }: TensorSpec): number {
  return sizeOf(shape) * (dtype === "bool" ? 1 : 4);
}

function addresses(list: readonly Pointer[]): BigUint64Array {
  const cells = new BigUint64Array(new ArrayBuffer(8 * list.length));
  cells.set(list);
  return cells;
}
