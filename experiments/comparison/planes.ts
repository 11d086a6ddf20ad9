import { endsOf, methodStyle, rounded } from "lib/experiment/figure_parts.ts";
import { dotNames } from "lib/plot/dot_names.ts";
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
  const dots = methods.map((method) => {
    const [xs, ys] = [x, y].map((name) => endsOf(method, name).map(rounded));
    return { name: method.name, x: xs!, y: ys! };
  });
  const places = dotNames(dots);
  const data = methods.map(({ loss }, i): ScatterTrace => {
    const style = methodStyle(loss);
    const { name, y } = dots[i]!;
    const { dot, side } = places[i]!;
    return {
      type: "scatter",
      mode: "text+markers",
      ...dots[i]!,
      text: y.map((_, i) => i === dot ? name : ""),
      textposition: side,
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
