import { readdirSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";

/** What TensorFlow opens by name when it looks for a GPU; each after those that it needs. */
const stems = [
  "cudart",
  "nvJitLink",
  "cublasLt",
  "cublas",
  "cufft",
  "curand",
  "cusparse",
  "cusolver",
  "cudnn",
  "nccl",
] as const;

const held: ReturnType<typeof koffi.load>[] = [];

/**
 * Loads CUDA's libraries from the folder of a build, laid out as `nvidia/PART/lib/libNAME.so.N` by NVIDIA's wheels. A
 * library that is loaded already is found by its name, wherever it lies. One that is not in the folder is left to the
 * system. @throws Error when one cannot be loaded.
 */
export function loadCudaLibraries(folder: string): void {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  for (const stem of stems) {
    const path = paths.find((inner) => new RegExp(`(^|[\\\\/])lib${stem}\\.so\\.\\d+$`).test(inner));
    if (path !== undefined) held.push(koffi.load(join(folder, path), { global: true }));
  }
}
