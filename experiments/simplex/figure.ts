import { digits, lossesOf } from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, Table } from "lib/plot/figure.ts";
import { COLORS } from "lib/plot/style.ts";
import { ternaryPanel, type TernaryPath } from "lib/plot/ternary.ts";
import {
  type Flow,
  flowOf,
  gain,
  type Geometry,
  marginGain,
  type Summary,
} from "./summary.ts";

/** A fall of probability that counts. */
const FALL = -0.01;

/** The figure of a summary. Equal summaries give equal figures. */
export function simplexFigure(summary: Summary): Figure {
  const losses = lossesOf(summary.flows);
  const falling = fallingIn(summary, "ahead");
  const others = losses.filter((loss) => !falling.includes(loss));
  return {
    title: titleOf(summary),
    text: [
      "A model gives three answers. One is chosen, one is rejected, and training by infinitely small steps follows each loss exactly, from 30, 30 and 40 %. Training pushes the model from the rejected answer towards the chosen one, and each answer gains as far as it lies that way. Red: the chosen and the rejected answer are alike, and a third lies ahead, farther than the chosen one. Blue: they are as alike, and the third lies aside, at a right angle. Gray: they are unrelated, and the third lies ahead, less far than the chosen one.",
      "A line begins at the hollow mark and ends at the filled one. Training aims at the left corner; where mass goes to the top, it goes to an answer that no label favours.",
    ],
    panels: [...falling, ...others].map((loss, i) =>
      panelOf(summary, loss, { isLabelled: i === 0 })
    ),
    tables: [endTable(summary)],
  };
}

/** The losses that lower the chosen answer in a geometry. */
function fallingIn(summary: Summary, geometry: Geometry): string[] {
  return lossesOf(summary.flows).filter((loss) => {
    const flow = flowOf(summary, loss, geometry);
    return flow !== undefined && gain(flow) < FALL;
  });
}

/** The finding, whatever the numbers are. */
function titleOf(summary: Summary): string {
  const ahead = fallingIn(summary, "ahead").length;
  const aside = fallingIn(summary, "aside").length;
  return `Of two alike answers, ${ahead} of ${
    lossesOf(summary.flows).length
  } losses lower the chosen one if a third lies ahead of it, ${
    aside || "none"
  } if it lies aside`;
}

/** The look of each geometry, and the place of its name beside an end. */
const LOOKS = {
  unrelated: {
    color: COLORS.gray,
    label: { text: "unrelated", side: "right", up: 8 },
  },
  aside: {
    color: COLORS.blue,
    label: { text: "third aside", side: "right", up: -6 },
  },
  ahead: {
    color: COLORS.vermilion,
    label: { text: "third ahead", side: "left" },
  },
} as const satisfies Record<Geometry, Pick<TernaryPath, "color" | "label">>;

function panelOf(
  { flows }: Summary,
  loss: string,
  { isLabelled }: { isLabelled: boolean },
): Panel {
  const own = flows.filter((flow) => flow.loss === loss);
  return ternaryPanel({
    title: own[0]!.name,
    corners: ["chosen", "rejected", "third"],
    paths: own.map(({ geometry, path }) => {
      const { color, label } = LOOKS[geometry];
      const name = label.text;
      return { name, color, points: path, ...isLabelled && { label } };
    }),
  });
}

function endTable(summary: Summary): Table {
  const rows = lossesOf(summary.flows).map((loss) => {
    const flows = (["unrelated", "aside", "ahead"] as const)
      .map((geometry) => flowOf(summary, loss, geometry));
    const [, aside, ahead] = flows;
    const margins = [aside, ahead]
      .map((flow) => flow ? digits(marginGain(flow)) : "–");
    return [
      flows.find((flow) => flow)!.name,
      ...flows.map((flow) => flow ? endText(flow) : null),
      margins.join(" / "),
    ];
  });
  return {
    caption: "At the end of the flow: chosen / rejected / third",
    columns: [
      ...["loss", "unrelated, third ahead", "alike, third aside"],
      ...["alike, third ahead", "margin gained, aside / ahead (nats)"],
    ],
    rows,
  };
}

function endText({ path }: Flow): string {
  return path.at(-1)!.map((share) => share.toFixed(3)).join(" / ");
}
