import {
  counted,
  curvePanel,
  digits,
  endsOf,
  endTable,
  percent,
} from "lib/experiment/figure_parts.ts";
import type { Figure } from "lib/plot/figure.ts";
import { quantile } from "lib/stats/interval.ts";
import {
  accuracyPanel,
  accuracyTable,
  ADDED,
  addedTable,
  verdictOf,
  winPanel,
} from "./difference_panels.ts";
import { planePanels } from "./planes.ts";
import { answerSamples } from "./samples.ts";
import type { ComparedMethod, ComparisonSummary } from "./summary.ts";

const CURVES = [
  {
    measure: "accuracy",
    title: "Held-out pairs told apart rightly",
    axis: "accuracy of log π/π_ref",
  },
  {
    measure: "chosen",
    title: "Chosen answers",
    axis: "log π/π_ref of held-out chosen, nats",
  },
  {
    measure: "rejected",
    title: "Rejected answers",
    axis: "log π/π_ref of held-out rejected, nats",
  },
  {
    measure: "unrelated",
    title: "Answers to other prompts",
    axis: "log π/π_ref of unrelated answers, nats",
  },
  {
    measure: "repeated",
    title: "Answers that repeat themselves",
    axis: "log π/π_ref of repeated answers, nats",
  },
  {
    measure: "perplexity",
    title: "A text of another kind",
    axis: "perplexity of the control text",
  },
  {
    measure: "mc1",
    title: "Questions whose likeliest answer is right",
    axis: "MC1",
  },
  {
    measure: "mc2",
    title: "Probability of right answers to questions",
    axis: "MC2",
  },
] as const;

/** The figure of a comparison. Equal summaries give equal figures. */
export function comparisonFigure(summary: ComparisonSummary): Figure {
  const { methods, pairs, promptCount, seeds } = summary;
  return {
    title: titleOf(summary),
    text: [
      `${summary.model} trains ${
        counted(methods[0]!.trajectory.at(-1)!.step, "step")
      } on ${pairs.train} pairs of ${summary.data}, with ${
        methods.length === 1 ? "one method" : `${methods.length} methods`
      }, ${
        seeds === 1 ? "one seed" : `${seeds} seeds`
      } each; ${pairs.heldOut} pairs of ${promptCount} ${
        pairs.trainedPrompts === 0
          ? "other prompts are held out"
          : `prompts are compared on, ${pairs.trainedPrompts} of them with prompts that are trained on`
      }. Before training, ${
        percent(summary.logProbAccuracy)
      } of their chosen answers are the likelier ones.`,
      ...addedText(summary),
    ],
    panels: [
      ...methods.length > 1 ? [accuracyPanel(summary)] : [],
      ...summary.judge === undefined ? [] : [winPanel(summary)],
      ...planePanels(methods),
      ...hasPaths(methods)
        ? CURVES.filter(({ measure }) => isMeasured(methods, measure))
          .map((curve) => curvePanel(methods, curve))
        : [],
    ],
    samples: answerSamples(summary),
    tables: [
      endTable(methods, columnsOf(methods)),
      ...methods.length > 1 ? [accuracyTable(summary)] : [],
      ...summary.added ? [addedTable(summary.added)] : [],
    ],
  };
}

/** Columns of the table, of what is measured. */
const COLUMNS = {
  accuracy: "accuracy",
  logProbAccuracy: "accuracy of log π",
  margin: "margin (nats)",
  chosen: "chosen (nats)",
  rejected: "rejected (nats)",
  unrelated: "unrelated (nats)",
  repeated: "repeated (nats)",
  perplexity: "perplexity",
  kl: "KL of answers (nats)",
  length: "tokens",
  distinct2: "distinct-2",
  score: "score",
  ...ADDED,
};

function columnsOf(methods: readonly ComparedMethod[]) {
  return Object.fromEntries(
    Object.entries(COLUMNS).filter(([measure]) => isMeasured(methods, measure)),
  );
}

/** Whether lines along training are more than their two ends. */
function hasPaths(methods: readonly ComparedMethod[]) {
  return methods.some(({ trajectory }) => trajectory.length > 2);
}

function isMeasured(methods: readonly ComparedMethod[], measure: string) {
  return methods.some((method) => endsOf(method, measure).length > 0);
}

/** The finding, whatever the numbers are. */
function titleOf(summary: ComparisonSummary): string {
  const { methods, differences, promptCount } = summary;
  const middle = (method: ComparedMethod, measure: string) =>
    quantile(endsOf(method, measure), 0.5);
  const [best] = methods.toSorted((a, b) =>
    middle(b, "accuracy") - middle(a, "accuracy")
  );
  const found = `${best!.name} tells ${
    percent(middle(best!, "accuracy"))
  } of held-out pairs apart`;
  const verdicts = differences.map(verdictOf);
  if (differences.length === 0) return found;
  if (verdicts.every((verdict) => verdict === "not testable")) {
    return `${found}; ${promptCount} prompts are too few to tell methods apart`;
  }
  const [first] = methods;
  const nearest = nearestEqual(summary);
  if (best === first && nearest !== null) {
    const [far, near] = [first!, nearest].map((method) =>
      digits(middle(method, "kl"))
    );
    return `${found}; ${nearest.name} does as well at ${near} nats of KL, not ${far}`;
  }
  return verdicts.every((verdict) => verdict === "not shown")
    ? `${found}; no method differs from ${first!.name}`
    : found;
}

/**
 * The method that is as accurate as the first at the smallest KL; `null` where
 * none needs less than half of the first's.
 */
function nearestEqual(
  { methods: [first, ...others], differences }: ComparisonSummary,
): ComparedMethod | null {
  const klOf = (method: ComparedMethod) => quantile(endsOf(method, "kl"), 0.5);
  const equal = new Set(
    differences.filter((each) => verdictOf(each) === "not shown")
      .map(({ name }) => name),
  );
  const [nearest] = others.filter(({ name }) => equal.has(name))
    .toSorted((a, b) => klOf(a) - klOf(b));
  return nearest && klOf(nearest) < klOf(first!) / 2 ? nearest : null;
}

/** How answers are scored, and which questions there are. */
function addedText({ judge, questions }: ComparisonSummary): string[] {
  const scored = judge === undefined ? [] : [
    `Answers are scored by ${judge}: one that has a higher score than that before training wins, and a tie is half a win.`,
  ];
  const chosen = questions
    ? [
      `MC1 and MC2 are of ${questions.count} questions of ${questions.source}: whether the likeliest choice is a right one, and the share of right ones in the probability of all choices.`,
    ]
    : [];
  return [...scored, ...chosen];
}
