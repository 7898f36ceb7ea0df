import type { MeasuredMode } from "../../../evaluation/modes/modeCase.ts";
import type { ModeReport } from "../../../evaluation/modes/modeReport.ts";
import type { SamplesConfig } from "../../../sampling/samplingConfig.ts";

/** Everything that `kinema evaluate --modes` measured of a run. */
export interface ModesEvaluation {
  readonly run: string;
  /** Step of the weights. */
  readonly step: number;
  readonly sampling: Pick<SamplesConfig, "sampler" | "guidance">;
  /** Of edits. */
  readonly strength: number;
  readonly modes: Readonly<Partial<Record<MeasuredMode, ModeReport>>>;
  /** Modes that the model was not trained for. */
  readonly untrained: readonly MeasuredMode[];
}
