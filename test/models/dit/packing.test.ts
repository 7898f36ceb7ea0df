import assert from "node:assert/strict";
import type { HostTensor } from "../../../src/base/tensors.ts";
import { createEagerEngine } from "../../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import type { ClipSpan } from "../../../src/models/patches/layout.ts";
import { assertClose } from "../../nn/numeric.ts";
import { clips, type Packed, type PackedClip, PackRunner, planOf, rowsOf, tensorsOf, tokensIn } from "./packSetting.ts";

const engines = {
  cpu: () => createEagerEngine("cpu"),
  onnx: () => createOnnxEngine({ threads: 2, executor: "auto", cache: undefined }),
};
const grids = clips.map(({ grid }) => grid);
/** Eight clips in the order in which rows hold them, and room for more. */
const inRows = [0, 4, 6, 1, 2, 5, 3, 7].map((i) => clips[i] as PackedClip);
const rowGrids = inRows.map(({ grid }) => grid);
const room = { rows: 3, tokens: 100, frames: 9, clips: 4, stripSize: 4, side: 7 };
const changes: Record<string, (clip: PackedClip) => PackedClip> = {
  latents: (clip) => ({ ...clip, content: "other" }),
  text: (clip) => ({ ...clip, caption: "green" }),
  times: (clip) => ({ ...clip, times: clip.times.map((t) => 0.5 * t) }),
};
const packs: Record<string, { packed: Packed; held: readonly PackedClip[] }> = {
  "a plan": { packed: planOf(grids), held: clips },
  "masked rows": {
    packed: rowsOf(room, [rowGrids.slice(0, 3), rowGrids.slice(3, 5), rowGrids.slice(5)]),
    held: inRows,
  },
};

for (const [kind, open] of Object.entries(engines)) {
  describe(`packing clips, ${kind} engine`, function () {
    this.timeout(120_000);
    let engine: Engine;
    let runner: PackRunner;
    const alone = new Map<PackedClip, { outputs: Float32Array; gradients: Record<string, Float32Array> }>();
    before(async () => {
      engine = await open();
      runner = new PackRunner(engine);
      for (const clip of clips) {
        const plan = planOf([clip.grid]);
        const tensors = tensorsOf(plan, [clip], "token");
        alone.set(clip, {
          outputs: await runner.outputs(plan, tensors),
          gradients: await runner.gradients(plan, tensors),
        });
      }
    });
    after(() => engine.dispose());

    for (const [form, { packed, held }] of Object.entries(packs)) {
      const span = (i: number) => packed.layout.clips[i] as ClipSpan;

      it(`gives every clip what it gets alone, in ${form}`, async () => {
        const together = await runner.outputs(packed, tensorsOf(packed, held, "token"));
        for (const [i, clip] of held.entries()) {
          assertClose(tokensIn(together, packed.layout, span(i)), alone.get(clip)?.outputs ?? [], 1e-5, `clip ${i}`);
        }
      });

      for (const weighting of ["token", "clip"] as const) {
        it(`sums the losses and gradients that clips have alone, per ${weighting}, in ${form}`, async () => {
          const divisor = weighting === "token" ? 250 : 7;
          const together = await runner.gradients(packed, tensorsOf(packed, held, weighting, divisor));
          const sums: Record<string, Float64Array> = {};
          for (const clip of held) {
            // Alone, a clip's loss is the mean over its tokens that are not given, whatever the weighting.
            const drawn = clip.times.filter((t) => t > 0).length * clip.grid.h * clip.grid.w;
            const share = (weighting === "token" ? drawn : 1) / divisor;
            for (const [name, values] of Object.entries(alone.get(clip)?.gradients ?? {})) {
              const sum = sums[name] ?? new Float64Array(values.length);
              sums[name] = sum.map((value, at) => value + share * (values[at] as number));
            }
          }
          for (const [name, sum] of Object.entries(sums)) assertClose(together[name] ?? [], sum, 1e-5, name);
        });
      }

      it(`lets no clip see another's latents, text or times: their bits stay in ${form}`, async () => {
        const before = await runner.outputs(packed, tensorsOf(packed, held, "token"));
        for (const [kindOfChange, [what, change]] of Object.entries(changes).entries()) {
          for (const changed of held.keys()) {
            // The plain JavaScript engine is slow: it sees each clip changed in one way.
            if (kind === "cpu" && changed % 3 !== kindOfChange) continue;
            const others = held.map((clip, i) => (i === changed ? change(clip) : clip));
            const after = await runner.outputs(packed, tensorsOf(packed, others, "token"));
            for (const i of held.keys()) {
              const same = equalBits(tokensIn(before, packed.layout, span(i)), tokensIn(after, packed.layout, span(i)));
              assert.equal(same, i !== changed, `clip ${i} when the ${what} of clip ${changed} changes`);
            }
          }
        }
      });
    }

    it("lets no free place of masked rows change a bit of outputs, loss or gradients", async () => {
      const { packed, held } = packs["masked rows"] as (typeof packs)[string];
      const clean = tensorsOf(packed, held, "token");
      const filled = Object.fromEntries(Object.entries(clean).map(([name, x]) => [name, fillFree(name, x, packed)]));
      const [before, after] = [await runner.outputs(packed, clean), await runner.outputs(packed, filled)];
      for (const span of packed.layout.clips) {
        assert.ok(equalBits(tokensIn(before, packed.layout, span), tokensIn(after, packed.layout, span)));
      }
      const [grads, others] = [await runner.gradients(packed, clean), await runner.gradients(packed, filled)];
      for (const [name, grad] of Object.entries(grads))
        assert.ok(equalBits(grad, others[name] ?? grad.map(() => 0)), name);
    });
  });
}

/** A batch's tensor with 7 wherever no clip has its tokens, its frames or its text; shares of the loss stay. */
function fillFree(name: string, tensor: HostTensor, { layout }: Packed): HostTensor {
  if (!["x0_LP", "eps_LP", "t_F", "text_CR"].includes(name)) return tensor;
  const data = tensor.data.slice().fill(7);
  const numRows = tensor.shape[0] as number;
  const width = data.length / numRows;
  for (const { grid, firstToken, numTokens, firstFrame, slot } of layout.clips) {
    const [first, count] =
      name === "t_F" ? [firstFrame, grid.t] : name === "text_CR" ? [slot, 1] : [firstToken, numTokens];
    data.set(tensor.data.subarray(first * width, (first + count) * width), first * width);
  }
  return { ...tensor, data };
}

function equalBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
