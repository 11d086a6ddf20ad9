import { MICRO_TOKENS } from "../data/sampler.ts";
import { LEFT_OUT, PARTS } from "../data/tokenize/left_out.ts";
import { DROPPED } from "../data/tokenize/tokenize.ts";
import type { Device } from "../onnx/providers.ts";
import type { RunRecord } from "../record/record.ts";
import type { StepMetrics } from "../train/loop.ts";
import { rounding } from "../train/metrics.ts";
import type { TrainingData } from "./inputs.ts";
import { gigabytes, leastMemory } from "./memory.ts";
import type { FittedMemory } from "./memory_estimate.ts";
import { diagnosticsOf } from "./measures.ts";
import type { PreparedRun } from "./plan.ts";
import { parameterCounts, referenceName } from "./record.ts";

/** The plan of a run, a line for each part of it. */
export function trainingNotes(
  run: PreparedRun,
  memory: FittedMemory | null = null,
): string {
  const { settings, inputs, plan } = run;
  const { loss, model, train, evaluation } = inputs;
  const { device, threads, batch, microTokens } = settings;
  const { total, trainable } = parameterCounts(model);
  const least = gigabytes(leastMemory({ total, trainable }, settings));
  const reference = referenceName(run);
  const facts = {
    model: model.source,
    training: `${count(trainable)} of ${
      count(total)
    } parameters with ${loss.id}`,
    data: dataNote(train),
    ...evaluation && { evaluation: dataNote(evaluation) },
    steps: `${count(plan.batches.length)} of ${count(batch)} examples` +
      (microTokens === MICRO_TOKENS
        ? ""
        : `, ${count(microTokens)} tokens at once at most`),
    ...reference && { reference },
    device: `${device}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    memory: memory
      ? memoryNote(memory, device)
      : `at least ${least}, before activations`,
  };
  return Object.entries(facts)
    .map(([name, fact]) => `${name.padEnd(10)}  ${fact}`)
    .join("\n");
}

function memoryNote(
  { peak, recomputedLayers, room: { free } }: FittedMemory,
  device: Device,
): string {
  const place = device === "cpu" ? "" : " on the device";
  const known = Number.isFinite(free) ? `, ${gigabytes(free)} are free` : "";
  const sizes = `about ${gigabytes(peak)}${place} at its peak${known}`;
  return recomputedLayers === 0
    ? sizes
    : `${sizes}; the backward pass computes ${recomputedLayers} layers again`;
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
  record: Pick<RunRecord, "summary">,
): string | null {
  const diagnostics = diagnosticsOf(record);
  if (!diagnostics?.displaced) return null;
  const { on, examples, chosenChange, marginChange } = diagnostics;
  const [lost, gained] = [chosenChange!, marginChange!].map((nats) =>
    Number(Math.abs(nats).toPrecision(3))
  );
  return `likelihood displacement: the margin grew by ${gained} nats, but chosen completions lost ${lost} (means of ${
    count(examples)
  } ${on} examples)`;
}

/** Metrics for the progress line, the most informative first. */
const TELLING = ["kl", "nll", "rewards/margins", "rewards/accuracies"];

/**
 * The few metrics that fit into a progress line. There is no accuracy among them
 * where the margin is within rounding: it would count the signs of errors.
 *
 * @param rewardScale the factor that makes log π/π_ref a reward.
 */
export function headline(
  metrics: StepMetrics,
  rewardScale: number,
): Record<string, number> {
  const telling = isWithinRounding(metrics, rewardScale)
    ? TELLING.filter((name) => name !== "rewards/accuracies")
    : TELLING;
  const names = telling.filter((name) => name in metrics).slice(0, 2);
  return Object.fromEntries(
    ["loss", "gradNorm", ...names].map((name) => [name, metrics[name]!]),
  );
}

function isWithinRounding(metrics: StepMetrics, rewardScale: number): boolean {
  const {
    "rewards/margins": margin = Infinity,
    "lengths/chosen": chosen = 0,
    "lengths/rejected": rejected = 0,
  } = metrics;
  return Math.abs(margin) <=
    rewardScale * (rounding(chosen) + rounding(rejected));
}

/** Says what a run reads of its data, and what it does not. */
export function dataNote(data: TrainingData): string {
  const { examples, description: { source, counts, unreadColumns = [] } } =
    data;
  const { rows, truncated, dropped } = counts;
  const { desirable, undesirable } = labelCounts(data);
  const reasons = Object.entries(DROPPED).flatMap(([reason, words]) =>
    counts[reason] ? [`${count(counts[reason])} for ${words}`] : []
  );
  return [
    `${source}: ${count(examples.length)} examples of ${count(rows)} rows`,
    ...desirable + undesirable > 0
      ? [`${count(desirable)} desirable, ${count(undesirable)} not`]
      : [],
    `${count(truncated)} truncated`,
    ...counts.truncatedPrompts
      ? [`${count(counts.truncatedPrompts)} prompts truncated`]
      : [],
    `${count(dropped)} dropped${
      reasons.length > 0 ? ` (${reasons.join(", ")})` : ""
    }`,
    ...counts.equalCompletions
      ? [
        `${count(counts.equalCompletions)} whose completions are equal ` +
        "tokens: they have no signal",
      ]
      : [],
    ...counts.halfCharacters
      ? [`${count(counts.halfCharacters)} with half characters`]
      : [],
    ...counts.plainText
      ? [
        `${count(counts.plainText)} of plain text, to which the model's chat ` +
        "template is not applied (--template applies it)",
      ]
      : [],
    ...PARTS.filter((part) => counts[part]).map((part) =>
      `${count(counts[part]!)} of which the chat template leaves out ` +
      LEFT_OUT[part]
    ),
    ...counts.ties ? [`${count(counts.ties)} ties left out`] : [],
    ...counts.leftOut ? [`${count(counts.leftOut)} with values left out`] : [],
    ...unreadColumns.length > 0
      ? [`columns not read: ${unreadColumns.join(", ")}`]
      : [],
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
