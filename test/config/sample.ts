import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { withEffects } from "../../src/config/effect.ts";
import { kindUnion, requiredKindUnion } from "../../src/config/kind.ts";

/** A schema with everything that recipes use: kinds, defaults, ranges, lists, records and keys without effect. */
const OnnxConfig = z
  .strictObject({
    kind: z.literal("onnx"),
    threads: z.int().min(1).max(256).default(2).describe("threads of one session"),
    executor: z.enum(["native", "javascript"]).default("native").describe("how ONNX Runtime is called"),
    cacheDir: z.string().default("data/cache/programs").describe("where compiled programs are kept"),
  })
  .describe("ONNX Runtime with compiled programs");

const CpuConfig = z.strictObject({
  kind: z.literal("cpu"),
  checkNumerics: z.boolean().default(false).describe("stops at the first value that is not finite"),
});

const OptimConfig = withEffects(
  z.strictObject({
    learningRate: z.number().positive().default(3e-4).describe("peak learning rate"),
    schedule: z.enum(["constant", "cosine"]).default("cosine").describe("what follows the warm-up"),
    minRate: z.number().min(0).default(0).describe("where the cosine ends"),
    warmupSteps: z.int().min(0).default(100).describe("steps of linear growth"),
    weightDecay: z.number().min(0).max(1).default(0.01).describe("decoupled decay"),
    betas: z.tuple([z.number(), z.number()]).default([0.9, 0.99]).describe("moment decays"),
    clipNorm: z.number().positive().nullable().default(1).describe("largest gradient norm; null for none"),
  }),
  [{ key: "minRate", needs: (optim) => optim.schedule === "cosine", why: "only schedule cosine reads it" }],
);

export const SampleSchema = withEffects(
  z.strictObject({
    name: z
      .string()
      .regex(/^[^/]*$/, "a text without /")
      .default("sample")
      .describe("name of the run"),
    seed: z.int().default(0).describe("seed of everything drawn"),
    model: z
      .strictObject({
        width: z.int().multipleOf(8).default(64).describe("channels of a token"),
        depth: z.int().min(1).default(2).describe("number of blocks"),
        heads: z.int().min(1).default(4).describe("attention heads"),
        mlpRatio: z.number().positive().default(4).describe("MLP width over token width"),
        qkNorm: z.boolean().default(true).describe("normalise queries and keys"),
        patch: z.tuple([z.int(), z.int(), z.int()]).default([1, 2, 2]).describe("t, h, w of a patch"),
      })
      .prefault({})
      .describe("the transformer"),
    data: z
      .strictObject({
        dir: z.string().describe("folder of the dataset"),
        caption: z.string().optional().describe("one caption for all"),
        cacheLatents: z.boolean().default(true).describe("encode once"),
        cachePath: z.string().default("data/cache").describe("where latents are kept"),
        sources: z
          .array(z.strictObject({ path: z.string(), fraction: z.number().gt(0).lte(1).default(1) }))
          .default([])
          .describe("further folders"),
        weights: z.record(z.string(), z.number()).default({}).describe("by name"),
      })
      .describe("what is learned from"),
    optim: OptimConfig.prefault({}).describe("AdamW"),
    engine: kindUnion([OnnxConfig, CpuConfig], "onnx").describe("what computes"),
    place: requiredKindUnion([
      z.strictObject({ kind: z.literal("left"), at: z.int().default(0) }),
      z.strictObject({ kind: z.literal("right") }),
    ])
      .default({ kind: "right" })
      .describe("a kind that must be said"),
    train: z
      .strictObject({
        steps: z.int().min(1).default(1000).describe("optimizer steps"),
        tokensPerStep: z.int().min(1).default(4096).describe("tokens in a pack"),
        accumulate: z.int().min(1).default(1).describe("packs in a step"),
        emaDecay: z.number().min(0).lt(1).default(0.999).describe("decay of averaged weights"),
        checkpointEvery: z.int().min(1).default(200).describe("steps between checkpoints"),
        sampleEvery: z.int().min(1).default(500).describe("steps between sample grids"),
        logEvery: z.int().min(1).default(10).describe("steps between log lines"),
      })
      .prefault({})
      .describe("the loop"),
    samplePrompts: z.array(z.string()).default([]).describe("what sample grids show"),
  }),
  [{ key: "data.cachePath", needs: (recipe) => recipe.data.cacheLatents, why: "only data.cacheLatents reads it" }],
);

/** A folder with the given files, removed after `use`. The current folder stays. */
export function withFiles<T>(files: Readonly<Record<string, string>>, use: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(tmpdir(), "kinema-config-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
