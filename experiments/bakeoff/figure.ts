import type { Finding } from "lib/experiment/claim.ts";
import {
  counted,
  digits,
  endsOf,
  nameOf,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import { findSetting } from "lib/experiment/summary.ts";
import type { Figure, Panel, Table, Verdict } from "lib/plot/figure.ts";
import { forestPanel } from "lib/plot/forest.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile, standardError } from "lib/stats/interval.ts";
import { pairsNeeded } from "lib/stats/power.ts";
import { netReward } from "../answers/criteria.ts";
import { type Contest, contestsOf, DELTA } from "./claims.ts";
import { DPO } from "./settings.ts";
import type { BakeoffSetting, Summary } from "./summary.ts";
import tuning from "./tuning.json" with { type: "json" };

/** How each verdict reads here, and its sign behind the name of a loss. */
const OUTCOMES: readonly {
  readonly verdict: Verdict;
  readonly words: string;
  readonly sign: string;
}[] = [
  { verdict: "shown", words: "better than DPO", sign: "▲" },
  { verdict: "opposite", words: "worse than DPO", sign: "▼" },
  { verdict: "not shown", words: `not better by ${DELTA}`, sign: "=" },
  { verdict: "not testable", words: "open", sign: "?" },
];

/** The figure of a summary. Equal summaries give equal figures. */
export function bakeoffFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  const contests = contestsOf(findings);
  return {
    title: titleOf(contests),
    text: [
      "Every loss of the registry trains on the same pairs of a small decoder's short answers, which a known gold reward compares. Option and learning rate of each were tuned with the same trials, on draws of their own, for the gold reward less half of the KL in nats; so are losses compared.",
      leftOutText(),
      contests.length > 0 ? powerText(contests, summary) : runsText(summary),
    ],
    panels: contests.length > 0 ? [contestPanel(contests, summary)] : [],
    tables: [outcomeTable(contests), endTable(summary, contests)],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(contests: readonly Contest[]): string {
  if (contests.length === 0) return "Losses against DPO: too few draws to say";
  const lossesWith = (verdict: Verdict) =>
    contests.filter((one) => one.verdict === verdict).map(({ loss }) => loss);
  const [better, worse] = [lossesWith("shown"), lossesWith("opposite")];
  const count = `${better.length || "None"} of ${contests.length} losses`;
  // That a loss beats DPO has to be seen on other draws, too.
  const draws = contests[0]!.values.length;
  const leaders = better.length === 0
    ? `${count} is shown to beat DPO`
    : `On these ${draws} draws ${count} ${
      better.length === 1 ? "beats" : "beat"
    } DPO${named(better)}`;
  const simpo = worse.includes("simpo") ? "worse" : "not shown to be worse";
  return `${leaders}, ${worse.length} do worse${
    named(worse)
  }; SimPO is ${simpo}`;
}

/** A few names in parentheses. */
function named(losses: readonly string[]): string {
  const isFew = losses.length > 0 && losses.length < 5;
  return isFew ? ` (${losses.join(", ")})` : "";
}

function leftOutText(): string {
  const reasons = Object.entries(tuning.leftOut)
    .map(([loss, reason]) => `${loss} (${reason})`);
  return `Left out: ${reasons.join("; ")}.`;
}

/** Standard deviation of a contest over draws. */
function deviationOf({ values }: Contest): number {
  return (standardError(values) ?? 0) * Math.sqrt(values.length);
}

/** From the largest: the draws needed grow as differences shrink. */
const SIZES = Array.from({ length: 60 }, (_, i) => (60 - i) / 20);

/** What so many draws can show, by the contest in the middle. */
function powerText(
  contests: readonly Contest[],
  { draws, seeds }: Summary,
): string {
  const deviation = quantile(contests.map(deviationOf), 0.5);
  const comparisons = contests.length;
  const needed = (delta: number) =>
    pairsNeeded({ delta, deviation, comparisons });
  const hidden = SIZES.findIndex((size) => needed(size) > draws.length);
  const least = SIZES[hidden < 0 ? SIZES.length - 1 : hidden - 1];
  return `${counted(draws.length, "draw")} of the reference model, ${
    counted(seeds.length, "seed")
  } each. By the middle of all deviations they show a difference of ${
    least ?? "more than 3"
  } with a power of 80 % under Holm's rule; one of ${DELTA} would take ${
    needed(DELTA)
  } draws.`;
}

function contestPanel(
  contests: readonly Contest[],
  { settings }: Summary,
): Panel {
  const dpo = aimOf(findSetting(settings, DPO));
  return forestPanel({
    title: "Each loss less DPO, as trained and by its own optimum",
    note: `${
      OUTCOMES.map(({ sign, words }) => `${sign} ${words}`).join(", ")
    }; the band is of differences below ${DELTA}. Bars are 95 % intervals over draws; a bar on one side of 0 is no finding before Holm's rule. A hollow diamond is the same difference between the optima of the two objectives, with the grammar as reference model; a triangle is one beyond the axis. Losses without a diamond have no optimum that is known.`,
    axis: "E[r] − 0.5 KL, less DPO's",
    ...{ delta: DELTA, dense: true, range: rangeOf(contests) },
    differences: contests.map(({ loss, ...contest }) => {
      const aim = aimOf(findSetting(settings, loss));
      return {
        ...{ ...contest, name: loss, values: [] },
        words: outcomeOf(contest.verdict).sign,
        ...aim !== null && dpo !== null && { aim: aim - dpo },
      };
    }),
  });
}

/** Room for the intervals of all losses except those far behind. */
function rangeOf(contests: readonly Contest[]): [number, number] {
  const lows = contests.map(({ low }) => low);
  const high = Math.max(...contests.map(({ high }) => high), DELTA);
  return [Math.max(Math.min(...lows), -3.4) - 0.1, high + 0.1];
}

function outcomeOf(verdict: Verdict) {
  return OUTCOMES.find((one) => one.verdict === verdict)!;
}

/** The gain of a loss's own optimum; `null` where it has none. */
function aimOf(setting: BakeoffSetting | undefined): number | null {
  const { optimum } = setting ?? {};
  return !optimum || optimum.kind === "none" ? null : netReward(optimum);
}

function outcomeTable(contests: readonly Contest[]): Table {
  const rows = OUTCOMES.map(({ verdict, words }) => ({
    words,
    losses: contests.filter((one) => one.verdict === verdict)
      .map(({ loss }) => loss),
  }));
  return tableOf(rows, {
    caption: "Losses by outcome, the best first",
    columns: {
      outcome: ({ words }) => words,
      number: ({ losses }) => losses.length,
      losses: ({ losses }) => losses.join(", ") || null,
    },
  });
}

function endTable({ settings }: Summary, contests: readonly Contest[]): Table {
  const byLoss = new Map(contests.map((one) => [one.loss, one]));
  const rank = ({ loss }: BakeoffSetting) => byLoss.get(loss)?.estimate ?? 0;
  const contestOf = ({ loss }: BakeoffSetting) => byLoss.get(loss);
  return tableOf(settings.toSorted((a, b) => rank(b) - rank(a)), {
    caption: "Each loss at the end of training, and its own optimum",
    columns: {
      loss: nameOf,
      "learning rate": ({ learningRate }) => learningRate.toExponential(),
      "E[r] − 0.5 KL": ({ gains }) =>
        spreadText(gains.filter((gain) => gain !== null)),
      "gold reward": (own) => spreadText(endsOf(own, "reward")),
      "KL (nats)": (own) => spreadText(endsOf(own, "kl")),
      "below attainable": (own) => spreadText(endsOf(own, "shortfall")),
      "less DPO": (own) => differenceText(contestOf(own)),
      "draws for δ": (own) => {
        const contest = contestOf(own);
        const comparisons = contests.length;
        return contest
          ? pairsNeeded({
            ...{ delta: DELTA, comparisons },
            deviation: deviationOf(contest),
          })
          : null;
      },
      "its optimum": ({ optimum }) => optimumText(optimum),
    },
  });
}

function differenceText(contest: Contest | undefined): string | null {
  if (!contest) return null;
  const { estimate, low, high, verdict } = contest;
  return `${digits(estimate)} [${digits(low)}, ${digits(high)}], ${
    outcomeOf(verdict).words
  }`;
}

function optimumText(optimum: BakeoffSetting["optimum"]): string {
  return optimum.kind === "none"
    ? optimum.why
    : `${digits(optimum.reward)} at ${digits(optimum.kl)} nats`;
}
