import { z } from "zod";
import { withEffects } from "./config/effect.ts";
import { requiredKindUnion } from "./config/kind.ts";
import { augmentSchema } from "./data/augment/augmentConfig.ts";
import { maxBadShareSchema } from "./data/damage.ts";
import { imagesSchema, weightSchema } from "./data/mix/mix.ts";
import { shapesSchema } from "./data/shapes/world.ts";
import { engineSchema } from "./engine/engineConfig.ts";
import { ditSchema } from "./models/dit/ditConfig.ts";
import { chunkPixelsSchema } from "./models/vae/vaeCodec.ts";
import { vaeSchema } from "./models/vae/vaeConfig.ts";
import { vaeLossSchema } from "./models/vae/vaeLoss.ts";
import { samplesSchema } from "./sampling/samplingConfig.ts";
import { adamwSchema } from "./train/adamw.ts";
import { loaderSchema } from "./train/batches/loaderConfig.ts";
import { objectiveSchema } from "./train/ditConfig.ts";
import { trainSchema } from "./train/loopConfig.ts";
import { packingSchema } from "./train/packingConfig.ts";
import { vaeBatchSchema } from "./train/vaeBatchConfig.ts";

const dir = z.string().min(1).describe("Folder of the dataset.");
const heldOut = z
  .number()
  .min(0)
  .lt(1)
  .default(0.05)
  .describe("Share of the clips, chosen by their content, that is only evaluated on. 0.05: enough to measure.");

/** What holds for all datasets of a recipe. */
const ofAllData = { heldOut, maxBadShare: maxBadShareSchema };

const shapesData = {
  kind: z.literal("shapes").describe("The shapes world, made on first use."),
  dir,
  world: shapesSchema.prefault({}).describe("What its clips show."),
};
const folderData = { kind: z.literal("folder").describe("A dataset made by `kinema data`."), dir };

const sourceSchema = requiredKindUnion([
  z.strictObject({ ...shapesData, weight: weightSchema }),
  z.strictObject({ ...folderData, weight: weightSchema }),
]);

const mixSchema = withEffects(
  z.strictObject({
    kind: z.literal("mix").describe("Several datasets drawn together, images and videos at a set share."),
    sources: z.array(sourceSchema).min(1).describe("The datasets, each once; `weight` says how often its clips come."),
    images: imagesSchema.optional(),
    ...ofAllData,
  }),
  [
    {
      key: "sources.0.weight",
      needs: ({ sources }) => sources.length > 1,
      why: "weights compare the clips of several sources, and there is one",
    },
  ],
);

/** Where clips come from. */
const dataSchema = requiredKindUnion([
  z.strictObject({ ...shapesData, ...ofAllData }),
  z.strictObject({ ...folderData, ...ofAllData }),
  mixSchema,
]).describe("The clips to train on.");

export type DataConfig = z.output<typeof dataSchema>;
export type SourceConfig = z.output<typeof sourceSchema>;

const common = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "letters, digits, '.', '_' and '-'")
    .describe("Names the run's folder: experiments/<name>/main."),
  seed: z.int().nonnegative().default(0).describe("All random draws follow from it. 0: any number will do."),
  engine: engineSchema.prefault({}).describe("What computes."),
  data: dataSchema,
  optim: adamwSchema.prefault({}),
  train: trainSchema.prefault({}),
  loader: loaderSchema.prefault({}),
};

const vaeRecipeSchema = withEffects(
  z.strictObject({
    kind: z.literal("vae").describe("Trains a video autoencoder."),
    ...common,
    vae: vaeSchema.describe("The autoencoder."),
    loss: vaeLossSchema.prefault({}).describe("What a reconstruction is judged by."),
    batch: vaeBatchSchema.prefault({}),
    augment: augmentSchema.prefault({}),
  }),
  [{ key: "optim.muon", needs: () => false, why: "a VAE has no transformer blocks" }],
);

const ditRecipeSchema = withEffects(
  z.strictObject({
    kind: z.literal("dit").describe("Trains a diffusion transformer on the latents of a trained VAE."),
    ...common,
    vae: z
      .strictObject({
        run: z.string().min(1).describe("Run folder of the VAE."),
        recipe: z
          .string()
          .optional()
          .describe("Recipe that trains the VAE into that folder when it is not there yet; relative to this file."),
        whitening: z
          .number()
          .min(0)
          .max(1)
          .default(0.5)
          .describe(
            "How far latent channels are brought to equal variance. 0.5: cleaner clips than 1 in small trials.",
          ),
        chunkPixels: chunkPixelsSchema,
      })
      .describe("The VAE whose latents are learned."),
    dit: ditSchema.describe("The diffusion transformer."),
    objective: objectiveSchema.prefault({}),
    packing: packingSchema.prefault({}),
    samples: samplesSchema.prefault({}),
    augment: z
      .custom<undefined>(
        () => false,
        "has no effect here: latents are made once and kept; augment in the recipe of the VAE",
      )
      .optional()
      .describe("No key of this kind: clips are augmented where a VAE learns from their pixels."),
  }),
  [
    {
      key: "samples.rolling",
      needs: ({ packing }) => packing.window !== undefined,
      why: "only models that are trained on windows draw by rolling: set packing.window",
    },
  ],
);

/** A whole recipe: what `kinema train` takes. */
export const recipeSchema = requiredKindUnion([vaeRecipeSchema, ditRecipeSchema]);

export type VaeRecipe = z.output<typeof vaeRecipeSchema>;
export type DitRecipe = z.output<typeof ditRecipeSchema>;
export type Recipe = VaeRecipe | DitRecipe;
