import { z } from "zod";

export const loaderSchema = z
  .strictObject({
    workers: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe(
        "Threads that read and assemble batches; 0: the main thread does, between its other work. 1: on two cores as fast as 0 with small clips, a third faster to read large ones; more where the progress line shows a data wait.",
      ),
    prefetch: z
      .int()
      .positive()
      .default(2)
      .describe("Steps whose batches are assembled ahead. 2: the one that is next, and one for a slow read."),
  })
  .describe("How batches are made ahead of the step. Speed and memory, never one number of a batch.");

export type LoaderConfig = z.output<typeof loaderSchema>;
