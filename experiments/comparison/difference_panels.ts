import { digits, endsOf, spreadText } from "lib/experiment/figure_parts.ts";
import type { Panel, Table, Verdict } from "lib/plot/figure.ts";
import { type Difference, forestPanel } from "lib/plot/forest.ts";
import type { AddedDifference, PairedDifference } from "./differences.ts";
import type { ComparisonSummary } from "./summary.ts";

/** Smallest difference of accuracies and win rates that matters. */
const DELTA = 0.05;

/**
 * Better, worse, no difference that matters, or not enough prompts to say. A
 * difference that is there, and yet smaller than matters, makes none better.
 */
export function verdictOf(
  { estimate, low, high, p }: PairedDifference,
): Verdict {
  if (p < 0.05 && low > 0 && estimate >= DELTA) return "shown";
  if (p < 0.05 && high < 0 && estimate <= -DELTA) return "opposite";
  return low > -DELTA && high < DELTA ? "not shown" : "not testable";
}

const WORDS: Readonly<Record<Verdict, string>> = {
  "shown": "better",
  "opposite": "worse",
  "not shown": "as good",
  "not testable": "too few prompts",
};

function judged(difference: PairedDifference): Difference {
  const verdict = verdictOf(difference);
  return { ...difference, verdict, words: WORDS[verdict] };
}

/** Accuracies on held-out pairs, less that of the first method. */
export function accuracyPanel(
  { methods, differences }: ComparisonSummary,
): Panel {
  const first = methods[0]!.name;
  return forestPanel({
    title: `Accuracy on held-out pairs, less that of ${first}`,
    note:
      "95 % intervals over prompts, paired, means over seeds; verdicts after Holm. The band is of differences too small to matter.",
    axis: `accuracy above that of ${first}`,
    delta: DELTA,
    differences: differences.map(judged),
  });
}

/** The same in numbers, with accuracies and distances of all methods. */
export function accuracyTable(
  { methods, differences }: ComparisonSummary,
): Table {
  return {
    caption: `Accuracy on held-out pairs, less that of ${methods[0]!.name}`,
    columns: [
      ...["method", "accuracy", "difference", "95 % interval", "p (Holm)"],
      ...["verdict", "KL of answers (nats)"],
    ],
    rows: methods.map((method) => [
      ...[method.name, spreadText(endsOf(method, "accuracy"))],
      ...cellsOf(differences.find(({ name }) => name === method.name)),
      spreadText(endsOf(method, "kl")),
    ]),
  };
}

/** A difference, its interval, p and verdict; nothing for the first method. */
function cellsOf(difference: PairedDifference | undefined) {
  if (!difference) return [null, null, null, null];
  const { estimate, low, high, p } = difference;
  return [
    ...[digits(estimate), `${digits(low)} to ${digits(high)}`],
    p < 0.001 ? "< 0.001" : p.toPrecision(2),
    WORDS[verdictOf(difference)],
  ];
}

/** Win rates of all methods, less one half. */
export function winPanel({ added = [] }: ComparisonSummary): Panel {
  const differences = added.filter(({ measure, from }) =>
    measure === "winRate" && from === null
  );
  return forestPanel({
    title: "Win rate of answers against those before training, less one half",
    note:
      "95 % intervals over prompts, means over seeds; verdicts after Holm. The band is of differences too small to matter.",
    axis: "win rate above one half",
    delta: DELTA,
    differences: differences.map(judged),
  });
}

/** Names of the measures that not every comparison has. */
export const ADDED: Readonly<Record<AddedDifference["measure"], string>> = {
  winRate: "win rate",
  mc1: "MC1",
  mc2: "MC2",
};

/** Differences of these measures. */
export function addedTable(added: readonly AddedDifference[]): Table {
  return {
    caption:
      "Paired differences of win rates and choices; before training the win rate is one half",
    columns: [
      ...["measure", "method", "compared with", "difference"],
      ...["95 % interval", "p (Holm)", "verdict"],
    ],
    rows: added.map((each) => [
      ...[ADDED[each.measure], each.name, each.from ?? "before training"],
      ...cellsOf(each),
    ]),
  };
}
