import type { AdherenceReport } from "../../evaluation/adherenceReport.ts";
import type { Estimate } from "../../evaluation/bootstrap.ts";
import type { ReconstructionReport } from "../../evaluation/reconstructionReport.ts";
import type { SamplesConfig } from "../../sampling/samplingConfig.ts";

/** Everything that `kinema evaluate` measured of a run; what does not apply to the run or its data is not there. */
export interface Evaluation {
  readonly run: string;
  /** Step of the weights. */
  readonly step: number;
  /** How clips were drawn. */
  readonly sampling?: Pick<SamplesConfig, "sampler" | "guidance">;
  readonly adherence?: {
    readonly seen: AdherenceReport;
    /** Triples of colour, shape and motion that training never showed. */
    readonly heldOut?: AdherenceReport;
    /** True clips through the VAE: the most that a model of its latents can reach. */
    readonly vaeCeiling: AdherenceReport;
  };
  readonly vae: ReconstructionReport;
  /** Mean squared error of the velocity on clips that were not trained on, by size and by time (1 is noise). */
  readonly loss?: {
    readonly mean: number;
    readonly buckets: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  /** Mean flicker of drawn and of real clips; see `flicker`. */
  readonly flicker?: { readonly drawn: number; readonly real: number };
  /** Frechet thumbnail distance of the drawn clips from the real ones. */
  readonly ftd?: number;
  /** Share of the drawn clips whose nearest clip of the data is the one with their caption. */
  readonly nearest?: Estimate;
}
