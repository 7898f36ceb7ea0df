import type { CommandModule } from "yargs";
import { installTensorflow } from "../../engine/install/tensorflow.ts";
import type { InstallListener } from "../../engine/install/wheels.ts";
import { createProgress, type Progress } from "../../report/progress.ts";
import { jsonOption, say, sayJson } from "../command.ts";

interface InstallOptions {
  engine: "tensorflow";
  gpu: boolean;
  wheel: string | undefined;
  json: boolean;
}

/** `kinema engine install tensorflow`: makes a native TensorFlow engine in the user's cache. */
export const installCommand: CommandModule<object, InstallOptions> = {
  command: "install <engine>",
  describe: "Make a native TensorFlow engine from a current TensorFlow wheel",
  builder: (cli) =>
    cli
      .positional("engine", { choices: ["tensorflow"], demandOption: true, describe: "which engine" } as const)
      .option("gpu", { type: "boolean", default: false, describe: "for NVIDIA GPUs: the larger wheel, and CUDA's" })
      .option("wheel", {
        type: "string",
        describe: "a wheel of tensorflow-cpu or tensorflow on the disk; by default pip downloads the newest",
      })
      .option("json", jsonOption)
      .example("$0 engine install tensorflow", "needs pip, npm, tar, a C++ compiler, and 1 GB in the user's cache"),
  handler: async ({ gpu, wheel, json }) => {
    const listener = new StepLines();
    const startedMs = performance.now();
    const { folder, manifest, device } = await installTensorflow({ gpu, wheel, listener }).finally(() =>
      listener.end(),
    );
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    if (json) {
      const { files, ...made } = manifest;
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      sayJson({ folder, device, seconds, bytes, ...made });
      return;
    }
    say(`TensorFlow ${manifest.tensorflow} runs on the ${device.toUpperCase()}: ${folder} (${seconds} s)`);
    if (gpu && device === "cpu") say("no GPU was found: see that NVIDIA's driver is there (nvidia-smi)");
    say("use it with engine.kind=tensorflow; measure it with kinema engine bench --engine tensorflow");
  },
};

/** A line for each step on standard error, and a progress line while bytes come. */
class StepLines implements InstallListener {
  private title = "";
  private progress: Progress | undefined;

  onStep(title: string): void {
    this.end();
    this.title = title;
    process.stderr.write(`${title}\n`);
  }

  onBytes(done: number, total: number): void {
    this.progress ??= createProgress(`${this.title}, MB`, megabytes(total));
    this.progress.update(megabytes(done));
  }

  end(): void {
    this.progress?.stop();
    this.progress = undefined;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
