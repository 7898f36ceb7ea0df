import type { Executor } from "../../src/engine/runtime/executor.ts";
import { OrtC } from "../../src/engine/runtime/ortC.ts";

const NO_ADAPTER = /no WebGPU adapter/;

/**
 * Declares tests that need a WebGPU adapter: a GPU, or a software Vulkan driver named in VK_DRIVER_FILES. Where there
 * is none they are skipped, and the reason is printed.
 */
export function onWebGpu(title: string, declare: (executor: () => Executor) => void): void {
  describe(`${title}, on WebGPU`, () => {
    let executor: Executor | undefined;
    before(function () {
      try {
        executor = new OrtC({ threads: 1, spin: false }, { name: "webgpu", tf32: false });
      } catch (error) {
        if (!(error instanceof Error && NO_ADAPTER.test(error.message))) throw error;
        console.log(`skipped: ${title}: no WebGPU adapter here; see "Engines" in README.md for a software driver`);
        this.skip();
      }
    });
    after(() => executor?.dispose());
    declare(() => executor as Executor);
  });
}
