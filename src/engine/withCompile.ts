import type { Engine } from "./engine.ts";

/** The same engine with another way to compile, for those who watch programs as they are made. */
export function withCompile(engine: Engine, compile: Engine["compile"]): Engine {
  return {
    kind: engine.kind,
    description: engine.description,
    memory: engine.memory,
    precision: engine.precision,
    get transfers() {
      return engine.transfers;
    },
    get deviceUse() {
      return engine.deviceUse;
    },
    place: (tensors) => engine.place(tensors),
    fetch: (tensors) => engine.fetch(tensors),
    release: (tensors) => engine.release(tensors),
    compile,
    dispose: () => engine.dispose(),
  };
}
