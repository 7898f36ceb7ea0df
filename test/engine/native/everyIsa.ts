import { type VectorIsa, vectorIsas } from "../../../src/engine/native/asm/vectorIsa.ts";
import { kernelIsas, whyNoKernels } from "../../../src/engine/native/support.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";

/** Declares the same tests for every instruction set; those that this machine lacks are skipped. */
export function onEveryIsa(title: string, declare: (isa: VectorIsa) => void): void {
  for (const isa of vectorIsas) {
    describe(`${title}, ${isa.title}`, () => {
      before(function () {
        if (whyNoKernels() !== undefined || !kernelIsas().includes(isa)) this.skip();
      });
      declare(isa);
    });
  }
}

/** ONNX Runtime through its C API, with kernels in one instruction set. */
export async function nativeExecutor(isa: VectorIsa, threads: number): Promise<Executor> {
  const { OrtC } = await import("../../../src/engine/runtime/ortC.ts");
  return new OrtC({ threads, spin: false }, undefined, isa);
}
