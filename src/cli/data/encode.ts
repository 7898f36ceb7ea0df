import type { CommandModule } from "yargs";
import { z } from "zod";
import { maxBadShareSchema } from "../../data/damage.ts";
import { openDataset } from "../../data/dataset.ts";
import { createEngine } from "../../engine/createEngine.ts";
import { type EngineKind, engineKinds, engineSchema } from "../../engine/engineConfig.ts";
import { chunkPixelsSchema, VaeCodec } from "../../models/vae/vaeCodec.ts";
import type { NumEncoded } from "../../train/encodeLatents.ts";
import { ensureLatents } from "../../train/latentCache.ts";
import { hasVae, loadVae } from "../../train/vaeFolder.ts";
import { jsonOption, say, sayJson } from "../command.ts";
import { interruptible } from "../stages/interruptible.ts";
import { vaeDirOf } from "../stages/trainVae.ts";
import { withProgress } from "../stages/withProgress.ts";
import { parseOptions } from "./options.ts";
import { counted } from "./summary.ts";

const checkedOptions = z.strictObject({ maxBadShare: maxBadShareSchema, chunkPixels: chunkPixelsSchema });

interface EncodeOptions {
  dataset: string;
  vae: string;
  out: string | undefined;
  engine: EngineKind;
  "max-bad-share": number;
  "chunk-pixels": number;
  json: boolean;
}

/** `kinema data encode`: the latents of a dataset, made with a trained VAE. */
export const encodeCommand: CommandModule<object, EncodeOptions> = {
  command: "encode <dataset>",
  describe: "Make the latents of a dataset with a trained VAE, or those that are missing",
  builder: (cli) =>
    cli
      .positional("dataset", { type: "string", demandOption: true, describe: "folder of a dataset of clips" })
      .option("vae", { type: "string", demandOption: true, describe: "run folder of the VAE, or of a model with one" })
      .option("out", { type: "string", describe: "folder of the latents [default: where training looks for them]" })
      .option("engine", {
        choices: engineKinds,
        default: engineSchema.parse({}).kind,
        describe: "what computes",
      } as const)
      .option("max-bad-share", {
        type: "number",
        default: maxBadShareSchema.parse(undefined),
        describe: "stop when a larger share of the clips is damaged",
      })
      .option("chunk-pixels", {
        type: "number",
        default: chunkPixelsSchema.parse(undefined),
        describe: "frames x height x width that are encoded at once: more is more memory",
      })
      .option("json", jsonOption)
      .example("$0 data encode data/clips --vae experiments/clips-vae/main", "again after a kill: it goes on"),
  handler: async ({ dataset: dir, vae: run, out, engine: kind, json, ...numbers }) => {
    const { maxBadShare, chunkPixels } = parseOptions(checkedOptions, {
      maxBadShare: numbers["max-bad-share"],
      chunkPixels: numbers["chunk-pixels"],
    });
    const tell = (line: string): void => void process.stderr.write(`${line}\n`);
    const vae = await loadVae((await hasVae(run)) ? run : vaeDirOf(run));
    const dataset = await openDataset(dir, { maxBadShare, tell });
    const engine = await createEngine(engineSchema.parse({ kind }));
    const codec = new VaeCodec(engine, vae.config, vae.weights, chunkPixels);
    try {
      const { latents, counts } = await interruptible((aborts) =>
        withProgress("encode", dataset.entries.length, (onProgress) =>
          ensureLatents(dataset, codec, vae.sha256, { aborts, onProgress, ...(out === undefined ? {} : { dir: out }) }),
        ),
      );
      const { dir: made, entries, fingerprint } = latents;
      await latents.close();
      if (json) sayJson({ dir: made, clips: entries.length, ...counts, fingerprint });
      else say(`${made}: ${counted(entries.length, "clip")}; ${summaryOf(counts)}`);
    } finally {
      await codec.dispose();
      await dataset.close();
      await engine.dispose();
    }
  },
};

/** `12 encoded, 485 there before, 3 copies`. */
function summaryOf({ encoded, reused, repeated, lost }: NumEncoded): string {
  const parts = [
    [encoded, "encoded"],
    [reused, "there before"],
    [repeated, "copies of others"],
    [lost, "damaged"],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, how]) => `${count} ${how}`);
  return shown.length === 0 ? "all there before" : shown.join(", ");
}
