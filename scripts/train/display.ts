import { note, type Progress, progress, warn } from "lib/cli/terminal.ts";
import { inputProgress } from "./download_progress.ts";
import type { RunHooks } from "lib/run/run.ts";
import type { Diagnostics } from "lib/train/diagnostics.ts";
import type { StepMetrics } from "lib/train/loop.ts";
import type { RunRecord } from "lib/record/record.ts";
import { diagnosticsOf } from "lib/run/measures.ts";
import type { TrainingData } from "lib/run/inputs.ts";
import type { PreparedRun } from "lib/run/plan.ts";
import { parameterCounts, referenceName } from "lib/run/record.ts";

/** Hooks that show a run on the terminal. */
export function trainingDisplay(): {
  hooks: RunHooks;
  end(record: RunRecord | undefined): void;
} {
  let bar: Progress | undefined;
  let steps = { title: "", total: 0 };
  const begin = (options: Parameters<typeof progress>[0]) => {
    bar?.finish();
    bar = progress(options);
  };
  return {
    hooks: {
      ...inputProgress(),
      onNote: note,
      onPrepared: (run) => {
        steps = { title: run.inputs.loss.id, total: run.plan.batches.length };
        note(trainingNotes(run));
        const warning = balanceWarning(run);
        if (warning) warn(warning);
      },
      onReference: (done, total) => {
        if (done === 0) begin({ title: "reference", total });
        bar?.update(done);
      },
      onStep: (done, metrics) => {
        if (metrics) bar?.update(done, headline(metrics));
        else begin({ ...steps, done });
      },
    },
    end: (record) => {
      bar?.finish();
      const diagnostics = record && diagnosticsOf(record);
      const warning = diagnostics && displacementWarning(diagnostics);
      if (warning) warn(warning);
    },
  };
}

/** The plan of a run, a line for each part of it. */
export function trainingNotes(run: PreparedRun): string {
  const { settings, inputs, plan } = run;
  const { loss, model, train, evaluation } = inputs;
  const { device, threads, batch } = settings;
  const { total, trainable } = parameterCounts(model);
  const reference = referenceName(run);
  const facts = {
    model: model.source,
    training: `${count(trainable)} of ${
      count(total)
    } parameters with ${loss.id}`,
    data: dataNote(train),
    ...evaluation && { evaluation: dataNote(evaluation) },
    steps: `${count(plan.batches.length)} of ${count(batch)} examples`,
    ...reference && { reference },
    device: `${device}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
  };
  return Object.entries(facts)
    .map(([name, fact]) => `${name.padEnd(10)}  ${fact}`)
    .join("\n");
}

/**
 * A warning where labels are out of balance, or null: KTO wants
 * λ_D n_D / (λ_U n_U) in [1, 4/3] (https://arxiv.org/abs/2402.01306v1, eq. 8).
 */
export function balanceWarning(
  { inputs: { loss, options, train } }: PreparedRun,
): string | null {
  const weights = loss.labelWeights?.(options);
  if (!weights) return null;
  const { desirable, undesirable } = labelCounts(train);
  const ratio = weights.desirable * desirable /
    (weights.undesirable * undesirable);
  if (ratio >= 1 && ratio <= 4 / 3) return null;
  return `desirable completions weigh ${
    Number.isNaN(ratio)
      ? "nothing, as undesirable ones do"
      : `${Number(ratio.toPrecision(3))} times what undesirable ones weigh`
  }, expected 1 to 1.33: see --desirable-weight and --undesirable-weight`;
}

/** A warning where chosen completions lost while the margin grew, or null. */
export function displacementWarning(
  { displaced, on, examples, chosenChange, marginChange }: Diagnostics,
): string | null {
  if (!displaced) return null;
  const [lost, gained] = [chosenChange!, marginChange!].map((nats) =>
    Number(Math.abs(nats).toPrecision(3))
  );
  return `likelihood displacement: the margin grew by ${gained} nats, but chosen completions lost ${lost} (means of ${
    count(examples)
  } ${on} examples)`;
}

/** Metrics for the progress line, the most informative first. */
const TELLING = ["kl", "nll", "rewards/margins", "rewards/accuracies"];

/** The few metrics that fit into a progress line. */
export function headline(metrics: StepMetrics): Record<string, number> {
  const names = TELLING.filter((name) => name in metrics).slice(0, 2);
  return Object.fromEntries(
    ["loss", "gradNorm", ...names].map((name) => [name, metrics[name]!]),
  );
}

function dataNote(data: TrainingData): string {
  const { examples, description: { source, counts } } = data;
  const { rows, truncated, dropped } = counts;
  const { desirable, undesirable } = labelCounts(data);
  return [
    `${source}: ${count(examples.length)} examples of ${count(rows)} rows`,
    ...desirable + undesirable > 0
      ? [`${count(desirable)} desirable, ${count(undesirable)} not`]
      : [],
    `${count(truncated)} truncated`,
    `${count(dropped)} dropped`,
  ].join(", ");
}

function labelCounts({ examples }: Pick<TrainingData, "examples">) {
  const having = (wanted: boolean) =>
    examples.filter(({ label }) => label === wanted).length;
  return { desirable: having(true), undesirable: having(false) };
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}
