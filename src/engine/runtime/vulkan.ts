import { foreign } from "../native/foreign.ts";
import type { Adapter } from "./adapter.ts";

/*
 * Vulkan's own list of devices: ONNX Runtime does not tell which it uses, nor its limits. Its WebGPU takes the first
 * that suits. Offsets are those of the C structures on 64-bit machines. Source: vulkan_core.h.
 */

type Pointer = bigint;

const libraries: Partial<Record<NodeJS.Platform, string>> = { linux: "libvulkan.so.1", win32: "vulkan-1.dll" };
const API_1_1 = (1 << 22) | (1 << 12);
const types = ["other", "integrated", "discrete", "virtual", "software"] as const;

const TYPE_APPLICATION_INFO = 0;
const TYPE_INSTANCE_CREATE_INFO = 1;
const TYPE_FEATURES_2 = 1_000_059_000;
const TYPE_FLOAT_16 = 1_000_082_000;
const TYPE_STORAGE_16 = 1_000_083_000;

/** VkPhysicalDeviceProperties: where `deviceType`, `deviceName` and parts of `limits` lie. */
const properties = {
  bytes: 824,
  type: 16,
  name: 20,
  nameBytes: 256,
  maxStorageBufferRange: 296 + 28,
  maxComputeSharedMemorySize: 296 + 216,
  maxComputeWorkGroupInvocations: 296 + 232,
} as const;

/** VkPhysicalDeviceMemoryProperties. */
const memory = { bytes: 520, heapCount: 260, heaps: 264, heapBytes: 16, flags: 8, deviceLocal: 1 } as const;

/** @throws Error telling why the devices cannot be listed. */
export function listVulkanDevices(): Adapter[] {
  const path = libraries[process.platform];
  if (path === undefined) throw new Error(`adapters of ${process.platform} are not listed`);
  const library = foreign.load(path);
  const create = library.func("int vkCreateInstance(void *info, void *allocator, void *out)");
  const destroy = library.func("void vkDestroyInstance(void *instance, void *allocator)");
  const enumerate = library.func("int vkEnumeratePhysicalDevices(void *instance, void *count, void *out)");
  const out = buffer(8);
  const result: number = create(instanceInfo(), null, out);
  if (result !== 0) throw new Error(`Vulkan finds no driver (${result})`);
  const instance: Pointer = out.readBigUInt64LE();
  try {
    const count = buffer(4);
    enumerate(instance, count, null);
    const devices = buffer(8 * Math.max(1, count.readUInt32LE()));
    enumerate(instance, count, devices);
    return Array.from({ length: count.readUInt32LE() }, (_, i) => describe(library, devices.readBigUInt64LE(8 * i)));
  } finally {
    destroy(instance, null);
  }
}

function describe(library: ReturnType<typeof foreign.load>, device: Pointer): Adapter {
  const facts = buffer(properties.bytes);
  library.func("void vkGetPhysicalDeviceProperties(void *device, void *out)")(device, facts);
  const heaps = buffer(memory.bytes);
  library.func("void vkGetPhysicalDeviceMemoryProperties(void *device, void *out)")(device, heaps);
  const name = facts.toString("utf8", properties.name, properties.name + properties.nameBytes);
  return {
    name: name.slice(0, name.indexOf("\0")),
    type: types[facts.readUInt32LE(properties.type)] ?? "other",
    memoryBytes: localMemory(heaps),
    maxTensorBytes: facts.readUInt32LE(properties.maxStorageBufferRange),
    maxGroupThreads: facts.readUInt32LE(properties.maxComputeWorkGroupInvocations),
    groupMemoryBytes: facts.readUInt32LE(properties.maxComputeSharedMemorySize),
    f16: hasHalf(library, device),
  };
}

function localMemory(heaps: Buffer): number {
  let sum = 0;
  for (let heap = 0; heap < heaps.readUInt32LE(memory.heapCount); heap++) {
    const at = memory.heaps + heap * memory.heapBytes;
    if ((heaps.readUInt32LE(at + memory.flags) & memory.deviceLocal) !== 0) sum += Number(heaps.readBigUInt64LE(at));
  }
  return sum;
}

/** WebGPU's shader-f16 needs 16-bit arithmetic and 16-bit storage. */
function hasHalf(library: ReturnType<typeof foreign.load>, device: Pointer): boolean {
  const storage = structure(TYPE_STORAGE_16, 32);
  const arithmetic = structure(TYPE_FLOAT_16, 24, storage);
  const features = structure(TYPE_FEATURES_2, 240, arithmetic);
  library.func("void vkGetPhysicalDeviceFeatures2(void *device, void *out)")(device, features);
  return arithmetic.readUInt32LE(16) === 1 && storage.readUInt32LE(16) === 1;
}

function instanceInfo(): Buffer {
  const application = structure(TYPE_APPLICATION_INFO, 48);
  application.writeUInt32LE(API_1_1, 44);
  const info = structure(TYPE_INSTANCE_CREATE_INFO, 64);
  info.writeBigUInt64LE(foreign.address(application), 24);
  return info;
}

/** A zeroed structure of a type, which points on to `next`. */
function structure(type: number, bytes: number, next?: Buffer): Buffer {
  const made = buffer(bytes);
  made.writeUInt32LE(type);
  if (next !== undefined) made.writeBigUInt64LE(foreign.address(next), 8);
  return made;
}

/** Outside the JavaScript heap, so that it does not move. */
function buffer(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}
