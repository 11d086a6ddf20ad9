import type { MetricsRow } from "../record/metrics.ts";
import type { Json } from "../record/canonical_json.ts";
import type { RunRecord } from "../record/record.ts";
import { ChangeMonitor, type Diagnostics } from "../train/diagnostics.ts";
import type { Tensors } from "../onnx/tensors.ts";
import type { StepMetrics, TrainingPlan } from "../train/loop.ts";
import { mean } from "../train/metrics.ts";
import type { Reference } from "../train/reference.ts";
import type { Trainer } from "../train/trainer.ts";

/** Measures of one run: its lines of metrics, and numbers of its summary. */
export interface Measures {
  /** The line about the policy before its first step. @default none */
  readonly start?: MetricsRow;
  /** More metrics of the steps that have an evaluation. @default none */
  evaluation?(): Promise<Readonly<Record<string, number>>>;
  /** The line of a step, or null for none. @default the step's own metrics */
  line?(metrics: StepMetrics): Promise<MetricsRow | null>;
  /** Numbers of the record's summary besides those of the last line. */
  summary?(): Promise<RunRecord["summary"]>;
}

/** Makes the measures of a run whose trainer stands at its first step. */
export type Measuring = (
  trainer: Trainer,
  plan: TrainingPlan,
  reference: Reference | null,
) => Promise<Measures>;

/** Follows a few examples from the start of the run; see {@linkcode ChangeMonitor}. */
export const probed: Measuring = async (trainer, plan, reference) => {
  const monitor = await ChangeMonitor.create(trainer, plan, reference);
  return {
    evaluation: () => monitor.metrics(),
    summary: async () => ({ diagnostics: await monitor.diagnostics() }),
  };
};

/**
 * Measures a policy after some steps. Their lines have the mean of the loss and
 * of the gradient's norm since the line before.
 *
 * @param options `start`: measures of the policy before its first step.
 */
export function measuredAt(
  steps: readonly number[],
  { start, measure }: {
    start: Readonly<Record<string, number | null>>;
    measure: (
      parameters: Tensors,
      step: number,
    ) => Promise<Readonly<Record<string, number | null>>>;
  },
): Measuring {
  return (trainer) => {
    const since: StepMetrics[] = [];
    const meanOf = (name: string) => mean(since.map((line) => line[name]!));
    return Promise.resolve({
      start: { step: 0, loss: null, gradNorm: null, ...start },
      line: async (metrics) => {
        since.push(metrics);
        const { step } = metrics;
        if (!steps.includes(step)) return null;
        const [loss, gradNorm] = [meanOf("loss"), meanOf("gradNorm")];
        since.splice(0);
        const measured = await measure(trainer.parameters, step);
        return { step, loss, gradNorm, ...measured };
      },
    });
  };
}

/** The diagnostics that {@linkcode probed} left in a record; null without. */
export function diagnosticsOf(
  { summary }: Pick<RunRecord, "summary">,
): Diagnostics | null {
  const { diagnostics } = summary;
  return isDiagnostics(diagnostics) ? diagnostics : null;
}

function isDiagnostics(value: Json | undefined): value is Json & Diagnostics {
  return typeof value === "object" && value !== null && "displaced" in value;
}
