import assert from "node:assert/strict";
import { UserError } from "../../src/base/errors.ts";
import { createEngine } from "../../src/engine/createEngine.ts";
import { engineSchema } from "../../src/engine/engineConfig.ts";
import { listEngines } from "../../src/engine/listEngines.ts";

describe("choice of engine", () => {
  it("defaults to the compiled engine", () => {
    assert.deepEqual(engineSchema.parse({}), {
      kind: "onnx",
      provider: "cpu",
      precision: "f32",
      strict: false,
      threads: "auto",
      spin: true,
      executor: "auto",
      kernels: "auto",
      cache: true,
    });
    assert.throws(() => engineSchema.parse({ kind: "onnx", thread: 2 }), /thread/);
  });

  it("makes what the configuration asks for", async () => {
    for (const kind of ["onnx", "cpu"] as const) {
      const engine = await createEngine(engineSchema.parse({ kind, threads: 1, cache: false }));
      assert.equal(engine.kind, kind);
      await engine.dispose();
    }
  });

  it("lists every engine with a version or one line of reason", async () => {
    const listings = await listEngines();
    assert.deepEqual(
      listings.map(({ kind, provider }) => (provider === undefined ? kind : `${kind} ${provider}`)),
      ["onnx cpu", "onnx cpu", "onnx webgpu", "onnx cuda", "tensorflow", "wasm", "cpu"],
    );
    for (const { kind, version, reason } of listings) {
      assert.ok((version === undefined) !== (reason === undefined), kind);
      assert.ok(!reason?.includes("\n"), kind);
    }
    const missing = listings.find(({ kind }) => kind === "tensorflow");
    if (missing?.version !== undefined) return;
    const cfg = engineSchema.parse({ kind: "tensorflow" });
    await assert.rejects(
      createEngine(cfg),
      (error) => error instanceof UserError && /try kinema engine install tensorflow/.test(error.message),
    );
  });
});
