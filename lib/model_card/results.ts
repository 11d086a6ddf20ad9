import type { Json } from "../record/canonical_json.ts";
import type { MetricsRow } from "../record/metrics.ts";
import type { RunRecord } from "../record/record.ts";
import { code, count, figure, section, table } from "./markdown.ts";
import { fieldsOf } from "./sections.ts";

/** Metrics with a row of their own, and their names for a reader. */
const MEASURES = Object.entries({
  "loss": "Loss",
  "rewards/accuracies": "Share of pairs ranked correctly",
  "rewards/margins": "Reward margin, chosen − rejected",
  "rewards/chosen": "Reward of chosen completions",
  "rewards/rejected": "Reward of rejected completions",
  "logps/chosen": "log π of chosen completions",
  "logps/rejected": "log π of rejected completions",
  "kl": "KL estimate that the loss uses",
  "nll": "Negative log-likelihood",
  "oddsRatio": "Odds ratio term",
});

/** The measurements during a run, and the changes at its end. */
export function resultsSection(
  { objective, summary: { diagnostics } }: RunRecord,
  { rows, figure: picture }: {
    rows: readonly MetricsRow[];
    figure: string | null;
  },
): string {
  if (rows.length === 0) return "";
  const evaluations = evalColumns(rows);
  const columns = [...trainColumns(rows), ...evaluations];
  const lines = [...MEASURES, ...lossParts(rows)].flatMap(([name, label]) => {
    const values = columns.map(({ value }) => value(name));
    if (values.every((value) => value === null)) return [];
    return [[label, ...values.map((x) => x === null ? "–" : figure(x))]];
  });
  return section(
    "Results",
    table(["", ...columns.map(({ title }) => title)], lines),
    legend(rows[0]!, objective),
    evaluations.length > 0
      ? ""
      : "No examples were held out: these numbers are of the batches of training.",
    changeText(diagnostics),
    picture === null ? "" : `![Loss of the run](${picture})`,
  );
}

/** The parts of a sum of losses. */
function lossParts(rows: readonly MetricsRow[]): [string, string][] {
  return Object.keys(rows[0]!).filter((name) => name.startsWith("loss/"))
    .map((name) => [name, `Loss, part ${code(name.slice("loss/".length))}`]);
}

/** Explains how to read the measurements. */
function legend(first: MetricsRow, objective: RunRecord["objective"]): string {
  const rewards = "rewards/chosen" in first
    ? [
      "Rewards are β·log(π/π_ref).",
      ...first.step === 1 && objective?.reference
        ? ["In step 1 the policy is its reference, so every reward is 0."]
        : [],
    ]
    : [];
  const accuracy = "rewards/accuracies" in first
    ? [
      "A pair is ranked correctly if the chosen completion has the strictly greater reward.",
    ]
    : [];
  const sentences = [
    "Numbers are means over examples; log-probabilities are sums over the tokens of a completion, in nats.",
    ...rewards,
    ...accuracy,
  ];
  return sentences.join(" ");
}

interface Column {
  readonly title: string;
  /** A metric by name; null if it was not measured. */
  value(name: string): number | null;
}

/** The first step, and the mean of the last tenth of the steps. */
function trainColumns(rows: readonly MetricsRow[]): Column[] {
  const [first, last] = [rows[0]!, rows.at(-1)!];
  if (rows.length === 1) return [column(`step ${first.step}`, rows)];
  const tail = rows.slice(-Math.ceil(rows.length / 10));
  const title = tail.length === 1
    ? `step ${count(last.step)}`
    : `steps ${count(tail[0]!.step)} to ${count(last.step)}`;
  return [column(`step ${first.step}`, [first]), column(title, tail)];
}

/** The first and the last evaluation. */
function evalColumns(rows: readonly MetricsRow[]): Column[] {
  const evaluated = rows.filter((row) => "eval/loss" in row);
  const ends = evaluated.length > 1
    ? [evaluated[0]!, evaluated.at(-1)!]
    : evaluated;
  return ends.map((row) =>
    column(`evaluation, step ${count(row.step)}`, [row], "eval/")
  );
}

function column(
  title: string,
  rows: readonly MetricsRow[],
  prefix = "",
): Column {
  return {
    title,
    value(name) {
      const values = rows.flatMap((row) => row[prefix + name] ?? []);
      if (values.length === 0) return null;
      return values.reduce((a, b) => a + b, 0) / values.length;
    },
  };
}

/** The change of completions since the start, by the run's diagnostics. */
function changeText(diagnostics: Json | undefined): string {
  const { on, examples, displaced, ...rest } = fieldsOf(diagnostics);
  const changes = Object.entries({
    chosenChange: "chosen completions",
    rejectedChange: "rejected completions",
    marginChange: "the margin between them",
  }).flatMap(([name, label]) => {
    const value = rest[name];
    return typeof value === "number"
      ? [`${label} by ${value < 0 ? "" : "+"}${figure(value)}`]
      : [];
  });
  if (changes.length === 0) return "";
  return `From start to end, log π changed on ${examples} ${on} examples, in nats per completion: ${
    changes.join(", ")
  }.${
    displaced === true
      ? " **Likelihood displacement**: the margin has grown, but the chosen completions have become less likely."
      : ""
  }`;
}
