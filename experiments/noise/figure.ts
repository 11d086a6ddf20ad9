import type { Finding } from "lib/experiment/claim.ts";
import {
  digits,
  endTable,
  percent,
  runsText,
} from "lib/experiment/figure_parts.ts";
import { drawsBeyond } from "lib/experiment/paired_draws.ts";
import type { Figure, Table } from "lib/plot/figure.ts";
import { distancesOf } from "./claims.ts";
import { linePanel, medianOf, methodPanel, shownName } from "./panels.ts";
import type { SizedSummary } from "./power.ts";
import { AWAY } from "./settings.ts";
import type { NoiseMethod, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function noiseFigure(
  summary: SizedSummary,
  findings: readonly Finding[],
): Figure {
  const { methods } = summary;
  return {
    title: titleOf(summary),
    text: [
      "Pairs of a small decoder's own reviews are compared by a known gold reward, and a share of the labels is flipped. Hollow diamonds are exact: the reward of the policy that each loss itself would choose with endless pairs of such labels. Filled marks are runs on as many pairs as ever, solid lines their medians.",
      `${
        runsText(summary)
      } A cross is a run beyond ${AWAY} nats from the reference model; runs below or above the axis stand at its edge.`,
    ],
    panels: [
      ...methods.map((method) => methodPanel(method, summary)),
      linePanel(methods, {
        title: `Draws beyond ${AWAY} nats`,
        axis: { tickformat: ".0%" },
        small: true,
        of: (setting) => {
          const { count, of } = drawsBeyond(distancesOf(setting), AWAY);
          return count / of;
        },
      }),
      linePanel(methods, {
        title: "Reward for the distance",
        axis: { title: { text: "share of the attainable reward" } },
        note:
          "Medians over runs: the gold reward at the end of training over the largest that any policy has at the run's own distance, with the grammar as reference model.",
        of: ({ shares }) => medianOf(shares),
      }),
      linePanel(methods, {
        title: "Distance at the end of training",
        axis: { title: { text: "KL from the reference model, nats" } },
        note: "Medians over runs.",
        of: ({ ends }) => medianOf(ends["kl"]!),
      }),
    ],
    tables: [
      powerTable(summary, findings),
      awayTable(summary),
      endTable(methods.flatMap(({ byFlip }) => byFlip), {
        goldReward: "gold reward",
        kl: "KL (nats)",
        broken: "broken",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf({ methods }: Summary): string {
  const [dpo, kto] = ["dpo", "kto"].map((loss) =>
    fallOf(methods.find((method) => method.loss === loss))
  );
  if (!dpo || !kto) return "Which preference losses survive flipped labels";
  return `${dpo.share} flipped labels take ${dpo.optimum} of reward from DPO's optimum and ${kto.optimum} from KTO's; from trained policies, ${dpo.trained} and ${kto.trained}`;
}

/** From the least flipped labels to the most. */
function fallOf(method: NoiseMethod | undefined) {
  const [first, last] = [method?.byFlip[0], method?.byFlip.at(-1)];
  if (!first?.optimum || !last?.optimum) return null;
  const [before, after] = [first, last].map((setting) =>
    medianOf(setting.ends["goldReward"]!) ?? 0
  );
  return {
    share: percent(last.flip),
    optimum: digits(first.optimum.reward - last.optimum.reward),
    trained: digits(before! - after!),
  };
}

/** Draws with a run that left, at each share of flipped labels. */
function awayTable({ methods }: Summary): Table {
  const flips = methods[0]!.byFlip.map(({ flip }) => flip);
  return {
    caption:
      `Draws with a run beyond ${AWAY} nats, and the 95 % interval of their share, by flipped labels`,
    columns: ["method", ...flips.map(percent)],
    rows: methods.map((method) => [
      shownName(method),
      ...method.byFlip.map((setting) => {
        const { count, of, low, high } = drawsBeyond(
          distancesOf(setting),
          AWAY,
        );
        return `${count} of ${of} (${percent(low)} to ${percent(high)})`;
      }),
    ]),
  };
}

/** The sizes of sample that the pilot asks for. */
function powerTable(
  { power }: SizedSummary,
  findings: readonly Finding[],
): Table {
  return {
    caption: "Draws that a power of 80 % needs, by draws 0 to 7",
    columns: [
      ...["claim", "effect", "deviation", "draws for it"],
      ...["smallest of interest", "draws for that"],
    ],
    rows: power.map(({ id, effect, deviation, forEffect, forDelta }) => {
      const { statement, delta } = findings.find((one) => one.id === id)!;
      return [
        ...[statement, digits(effect), digits(deviation), forEffect],
        ...[digits(delta), forDelta],
      ];
    }),
  };
}
