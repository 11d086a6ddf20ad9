import type { MetricsRow } from "../record/metrics.ts";

/** The content of a training run's figure. */
export interface TrainingSheet {
  model: string;
  data: string;
  loss: string;
  seed: number;
  /** The objective, in a sentence. */
  objective: string;
  /** The optimization, in a sentence. */
  course: string;
  /** The formula that couples the examples of a batch, as KTO's estimate of KL. */
  statistics: string | null;
  /**
   * Rewards divided by this are changes since the start, in nats; `null` if the
   * reference moved, so that they are not.
   */
  rewardScale: number | null;
  /** The last measurement of the examples that are measured again and again. */
  probe: ProbeSheet | null;
  /** The metrics of each step. */
  rows: readonly MetricsRow[];
}

/** Changes since the start, in nats per completion; lengths in tokens. */
export interface ProbeSheet {
  on: "evaluation" | "training";
  examples: number;
  chosenChange: number | null;
  rejectedChange: number | null;
  marginChange: number | null;
  klStart: number;
  displaced: boolean;
  lengths: { chosen: number | null; rejected: number | null };
  lengthCorrelation: number | null;
}
