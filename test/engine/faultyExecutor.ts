import type { Executor, Session } from "../../src/engine/runtime/executor.ts";

/** An executor that behaves like a device which fails: its runs end with `message` from the `failAt`-th on. */
export function faultyDevice(executor: Executor, failAt: number, message: string): Executor {
  let numRuns = 0;
  const faulty = (session: Session): Session => ({
    fallbacks: session.fallbacks,
    bind: (inputs, outputs) => {
      const run = session.bind(inputs, outputs);
      return {
        run: async () => {
          numRuns++;
          if (numRuns >= failAt) throw new Error(`program: ONNX Runtime: RunWithBinding: ${message}`);
          await run.run();
        },
        dispose: () => run.dispose(),
      };
    },
    dispose: () => session.dispose(),
  });
  return Object.create(executor, {
    provider: { value: "webgpu" },
    native: { value: false },
    open: { value: async (...args: Parameters<Executor["open"]>) => faulty(await executor.open(...args)) },
  }) as Executor;
}
