import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { assert, UserError } from "../../base/errors.ts";
import { type FileSeal, sealOfFile } from "../../base/hash.ts";
import type { ZipEntry } from "../../base/zip.ts";
import type { BuildVariant } from "../eager/tensorflowBuild.ts";
import { downloadWheel } from "./pip.ts";
import type { Tool } from "./tool.ts";
import { Wheel } from "./wheel.ts";

/** Hears how far an installation has come. */
export interface InstallListener {
  onStep(title: string): void;
  /** Bytes of the current step. */
  onBytes(done: number, total: number): void;
}

export interface WheelChoice {
  readonly variant: BuildVariant;
  /** TensorFlow's wheel on the disk; without it `pip` downloads one, and those of CUDA. */
  readonly file: string | undefined;
  readonly pip: Tool | undefined;
  /** Where downloads are kept until the installation is done. */
  readonly downloads: string;
  readonly listener: InstallListener;
}

interface OpenWheel {
  readonly path: string;
  readonly isDownload: boolean;
  readonly wheel: Wheel;
}

const LIBRARY = /^tensorflow\/libtensorflow_(cc|framework)\.so\.\d+$/;
/** The headers that tfjs-node's binding includes, and those that they include. */
const HEADER = /^tensorflow\/include\/(tensorflow\/c\/|tensorflow\/core\/platform\/|tsl\/|xla\/tsl\/).*\.h$/;
const CUDA_LIBRARY = /^nvidia\/[^/]+\/lib\/[^/]+\.so(\.\d+)*$/;
/** What TensorFlow asks for on a GPU, but for the compiler, which only XLA uses. */
const CUDA_REQUIREMENT = /^(?!nvidia-cuda-nvcc)(.+?)\s*;\s*extra == ["']and-cuda["']$/;

/** TensorFlow's wheel, and for a GPU those of CUDA. */
export class TensorflowWheels {
  private readonly opened: OpenWheel[] = [];
  private readonly choice: WheelChoice;

  private constructor(choice: WheelChoice) {
    this.choice = choice;
  }

  /** Downloads what is not given. @throws UserError when a wheel cannot be had, or is not for this machine or purpose. */
  static async open(choice: WheelChoice): Promise<TensorflowWheels> {
    const wheels = new TensorflowWheels(choice);
    try {
      const { file, variant } = choice;
      const project = variant === "gpu" ? "tensorflow" : "tensorflow-cpu";
      const tensorflow = await wheels.add(file ?? (await wheels.download(project)), file === undefined);
      checkPurpose(tensorflow, variant);
      for (const requirement of wheels.cudaRequirements()) await wheels.add(await wheels.download(requirement), true);
      return wheels;
    } catch (error) {
      await wheels.close();
      throw error;
    }
  }

  /** TensorFlow's version. */
  get version(): string {
    return this.tensorflow.version;
  }

  /** Names of libtensorflow's files. */
  get libraryNames(): string[] {
    return this.tensorflow.matching(LIBRARY).map(({ name }) => basename(name));
  }

  /** What all that is unpacked takes. */
  get unpackedBytes(): number {
    return sumOfBytes([...this.tensorflow.matching(HEADER), ...this.opened.flatMap(({ wheel }) => librariesOf(wheel))]);
  }

  /** Unpacks TensorFlow's headers and gives the folder to include from. */
  async unpackHeaders(folder: string): Promise<string> {
    await this.tensorflow.unpack(this.tensorflow.matching(HEADER), folder, () => undefined);
    return `${folder}/tensorflow/include`;
  }

  /** Unpacks all libraries, as they lie in the wheels. A damaged download is removed, to be fetched anew. */
  async unpackLibraries(folder: string): Promise<void> {
    const total = sumOfBytes(this.opened.flatMap(({ wheel }) => librariesOf(wheel)));
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      this.choice.listener.onBytes(done, total);
    };
    for (const { path, isDownload, wheel } of this.opened) {
      await orForget(path, isDownload, () => wheel.unpack(librariesOf(wheel), folder, onBytes));
    }
  }

  /** File names, sizes and hashes of the wheels. */
  async seals(): Promise<({ file: string } & FileSeal)[]> {
    const seals = [];
    for (const { path, wheel } of this.opened) seals.push({ file: wheel.file, ...(await sealOfFile(path)) });
    return seals;
  }

  async close(): Promise<void> {
    for (const { wheel } of this.opened) await wheel.close();
  }

  private get tensorflow(): Wheel {
    const [first] = this.opened;
    assert(first !== undefined, "TensorFlow's wheel is opened first");
    return first.wheel;
  }

  /** None where the wheel was given as a file: then nothing is downloaded, and CUDA comes from the system. */
  private cudaRequirements(): string[] {
    if (this.choice.variant === "cpu" || this.choice.pip === undefined) return [];
    return this.tensorflow.requirements.flatMap((line) => CUDA_REQUIREMENT.exec(line)?.[1] ?? []);
  }

  private async download(requirement: string): Promise<string> {
    const { pip, downloads, listener } = this.choice;
    assert(pip !== undefined, "pip is there whenever something is to be downloaded");
    listener.onStep(`downloading ${requirement} with ${pip.version.split(" from ", 1)[0]}`);
    return downloadWheel(pip, requirement, downloads, (done, total) => listener.onBytes(done, total));
  }

  private async add(path: string, isDownload: boolean): Promise<Wheel> {
    const wheel = await orForget(path, isDownload, () => Wheel.open(path));
    this.opened.push({ path, isDownload, wheel });
    wheel.checkPlatform();
    return wheel;
  }
}

function librariesOf(wheel: Wheel): ZipEntry[] {
  return [...wheel.matching(LIBRARY), ...wheel.matching(CUDA_LIBRARY)];
}

function sumOfBytes(entries: readonly ZipEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** @throws UserError when a wheel is not TensorFlow's, cannot use a GPU where one is wanted, or brings no library. */
function checkPurpose(wheel: Wheel, variant: BuildVariant): void {
  const { file, project, version } = wheel;
  if (!/^tensorflow($|-)/.test(project)) {
    throw new UserError(file, { expected: "a wheel of tensorflow or tensorflow-cpu", got: `one of ${project}` });
  }
  if (variant === "gpu" && project !== "tensorflow") {
    throw new UserError(file, { expected: "a wheel of tensorflow, for --gpu", got: `one of ${project}` });
  }
  if (wheel.matching(LIBRARY).length < 2) {
    const expected = "libtensorflow_cc.so and libtensorflow_framework.so in the wheel";
    throw new UserError(file, {
      expected,
      got: `none in ${project} ${version}`,
      try: "a wheel of TensorFlow 2.15 or later",
    });
  }
}

/** Does something with a file. Where that fails, a download is removed. */
async function orForget<T>(path: string, isDownload: boolean, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDownload) await rm(path, { force: true });
    throw error;
  }
}
