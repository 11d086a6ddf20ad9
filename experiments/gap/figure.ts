import {
  digits,
  endTable,
  lossesOf,
  methodStyle,
  nameOf,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import { type PlaneMark, RunPlane } from "lib/experiment/run_plane.ts";
import type { Figure, Panel } from "lib/plot/figure.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { LONGEST } from "./settings.ts";
import type { GapSetting, Summary } from "./summary.ts";

/** Where the plane ends, in nats. */
const REACH = 9;

/** The figure of a summary. Equal summaries give equal figures. */
export function gapFigure(summary: Summary): Figure {
  const { settings } = summary;
  return {
    title: titleOf(settings),
    text: [
      "Pairs of a small decoder's own reviews are compared by a known gold reward. As the world is known, so is the policy that each loss itself would choose with endless pairs. Training takes one pass over the usual pairs, or 8 times as many steps: over the same pairs, or over fresh ones.",
      runsText(summary),
    ],
    panels: [planePanel(summary)],
    tables: [
      tableOf(settings, {
        caption: "The optimum of each loss, and the gap that training leaves",
        columns: {
          method: nameOf,
          reward: ({ optimum }) => digits(optimum.reward),
          "KL (nats)": ({ optimum }) => digits(optimum.kl),
          gap: ({ gaps }) => spreadText(gaps),
        },
      }),
      endTable(settings, {
        goldReward: "gold reward",
        kl: "KL (nats)",
        accuracy: "accuracy",
        broken: "broken",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(settings: readonly GapSetting[]): string {
  const gaps = (passes: number, pairs: number) =>
    settings.filter((own) => own.passes === passes && own.pairs === pairs)
      .map(({ gaps }) => `${Math.round(100 * quantile(gaps, 0.5))} %`)
      .join(" and ");
  const names = lossesOf(settings).map((loss) => loss.toUpperCase());
  return `${names.join(" and ")} miss their own optima by ${
    gaps(1, 1)
  } after one pass, by ${gaps(LONGEST, 1)} after ${LONGEST}, by ${
    gaps(1, LONGEST)
  } with ${LONGEST} times as many pairs`;
}

function planePanel({ exact, settings }: Summary): Panel {
  const plane = new RunPlane({
    ...{ reach: REACH, rewards: [0, 4.3], measure: "goldReward" },
  });
  const marks = lossesOf(settings).flatMap((loss) =>
    marksOf(settings.filter((setting) => setting.loss === loss), plane)
  );
  return {
    title: "From one pass on, in reward and distance",
    note:
      `Each line joins one pass over the usual pairs with ${LONGEST} times as many steps, from the reference model anew each time; dots are runs, large marks medians. A hollow diamond is the optimum of the loss itself, exact, with the grammar as reference model. Runs beyond ${REACH} nats or below a reward of 0 stand at the edge.`,
    wide: true,
    data: [
      ...plane.frontier([{ reward: 0, kl: 0 }, ...exact.attainable]),
      ...marks.flatMap(({ data }) => data),
    ],
    layout: {
      ...plane.axes("KL from the reference model, nats (root scale)"),
      ...plane.names(marks),
    },
  };
}

/** A loss over fresh pairs and over the same again, and its optimum. */
function marksOf(own: readonly GapSetting[], plane: RunPlane): PlaneMark[] {
  const { loss, optimum } = own[0]!;
  const name = loss.toUpperCase();
  const style = methodStyle(loss);
  const dotted = { ...style, line: { ...style.line, dash: "dot" as const } };
  const fresh = own.filter(({ passes }) => passes === 1);
  const again = own.filter(({ pairs }) => pairs === 1);
  return [
    plane.path(fresh, { name: `${name}, fresh pairs`, style }),
    plane.path(again, { name: `${name}, more passes`, style: dotted }),
    plane.optimum(optimum, { name: `${name}'s optimum`, style }),
  ];
}
