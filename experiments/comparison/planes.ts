import { endsOf, methodStyle, rounded } from "lib/experiment/figure_parts.ts";
import type { Panel, ScatterTrace } from "lib/plot/figure.ts";
import { INK, textColor } from "lib/plot/style.ts";
import type { ComparedMethod } from "./summary.ts";

/** Two measures at the end of each run. */
interface Plane extends Required<Pick<Panel, "title" | "note">> {
  readonly x: string;
  readonly y: string;
  /** Titles of the axes, with their units. */
  readonly axes: readonly [string, string];
}

const DISTANCE: Plane = {
  title: "Accuracy against distance",
  note:
    "A dot is a run; its KL is that of sampled answers, up to their limit of tokens.",
  ...{ x: "kl", y: "accuracy" },
  axes: ["KL(π‖π_ref) of answers, nats", "accuracy of log π/π_ref"],
};

const DISPLACEMENT: Plane = {
  title: "Where chosen and rejected answers go",
  note:
    "A dot is a run. Left of 0 rejected answers lose probability; below it chosen ones lose it, too.",
  ...{ x: "rejected", y: "chosen" },
  axes: ["log π/π_ref of rejected, nats", "log π/π_ref of chosen, nats"],
};

/** Panels of the runs' ends, a dot a run. */
export function planePanels(methods: readonly ComparedMethod[]): Panel[] {
  return [DISTANCE, DISPLACEMENT].map((plane) => planePanel(methods, plane));
}

function planePanel(
  methods: readonly ComparedMethod[],
  { title, note, x, y, axes }: Plane,
): Panel {
  const data = methods.map((method): ScatterTrace => {
    const [xs, ys] = [x, y].map((name) => endsOf(method, name).map(rounded));
    const style = methodStyle(method.loss);
    return {
      type: "scatter",
      mode: "text+markers",
      name: method.name,
      ...{ x: xs!, y: ys! },
      text: ys!.map((_, i) => i === 0 ? method.name : ""),
      textposition: "top center",
      textfont: {
        color: textColor(String(style.line?.color ?? INK)),
        size: 11,
      },
      marker: { ...style.marker, size: 9 },
    };
  });
  return {
    ...{ title, note, data },
    layout: {
      showlegend: false,
      xaxis: { title: { text: axes[0] } },
      yaxis: { title: { text: axes[1] } },
    },
  };
}
