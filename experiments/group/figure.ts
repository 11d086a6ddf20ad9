import {
  digits,
  endsOf,
  methodStyle,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { COLORS } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { LARGEST, SIZES } from "./settings.ts";
import {
  findForm,
  type Form,
  FORMS,
  type GroupSetting,
  type Summary,
} from "./summary.ts";
import { type Tokens, tokensOf } from "./tokens.ts";

/** Tokens as they may be in a language model. */
const LENGTHS = { prompt: 256, answer: 256 };
const COUNTS = [2, ...SIZES];

/** The figure of a summary. Equal summaries give equal figures. */
export function groupFigure(summary: Summary): Figure {
  return {
    title: titleOf(summary),
    text: [
      "A small decoder's own answers to one prompt are ranked by a known reward, in pairs or in lists. All answers that it can give are known, so that each number is exact. Each run counts where it is best on its way.",
      runsText(summary),
    ],
    pictured: 2,
    panels: [
      formPanel(summary, {
        cost: false,
        title: "From as many answers, in all and in a step",
      }),
      formPanel(summary, {
        cost: true,
        title: "With as many answers through the model in a step",
      }),
      tokensPanel(),
    ],
    tables: [formsTable(summary), tokensTable()],
  };
}

const middle = ({ bests }: GroupSetting) =>
  quantile(bests.filter((best) => best !== null), 0.5);

/** The finding, whatever the numbers are. */
function titleOf(summary: Summary): string {
  const net = (form: Form, list: number) => {
    const found = findForm(summary, { form, list });
    return found ? digits(middle(found)) : "–";
  };
  return `From as many answers, E[r] − 0.5 KL comes to ${
    net("list", 2)
  } with pairs, ${net("list", LARGEST)} with lists of eight, ${
    net("all", LARGEST)
  } with all their pairs, ${net("extremes", LARGEST)} with best against worst`;
}

const LOOKS: Readonly<
  Record<Form, Pick<ScatterTrace, "name" | "line" | "marker">>
> = {
  list: { name: "lists", ...methodStyle("listwise-dpo") },
  all: { name: "all pairs", ...methodStyle("dpo") },
  extremes: {
    name: "best, worst",
    line: { color: COLORS.vermilion, dash: "dot" },
    marker: { color: COLORS.vermilion, symbol: "diamond" },
  },
};

function formPanel(
  summary: Summary,
  { cost, title }: { cost: boolean; title: string },
): Panel {
  const ways = FORMS.map((form) => ({
    look: LOOKS[form],
    settings: COUNTS.flatMap((list) => {
      const setting = findForm(summary, { form, list, cost });
      return setting ? [{ list, setting }] : [];
    }),
  }));
  const lines = ways.map(({ look, settings }): ScatterTrace => ({
    ...{ type: "scatter", mode: "lines+markers", ...look },
    x: settings.map(({ list }) => list),
    y: settings.map(({ setting }) => rounded(middle(setting))),
  }));
  const dots = ways.map(({ look, settings }, i): ScatterTrace => {
    const runs = settings.flatMap(({ list, setting: { bests } }) =>
      bests.filter((best) => best !== null)
        .map((y) => ({ x: list * (1 + 0.03 * (i - 1)), y }))
    );
    return {
      ...{ type: "scatter", mode: "markers", name: `${look.name}, runs` },
      x: runs.map(({ x }) => rounded(x)),
      y: runs.map(({ y }) => rounded(y)),
      marker: { ...look.marker, size: 4, opacity: 0.3 },
    };
  });
  return {
    title,
    note:
      "Lines join medians, small marks are runs. Lists of two are pairs, whatever is made of them.",
    data: [...dots, ...lines],
    layout: {
      ...labelledLines(lines, { unnamed: dots }),
      xaxis: {
        ...{ type: "log", tickvals: COUNTS, range: [0.26, 0.94] },
        title: { text: "answers in a list" },
      },
      yaxis: { title: { text: "best E[r] − 0.5 KL" } },
    },
  };
}

const TOKEN_NAMES: Readonly<Record<keyof Tokens, string>> = {
  shared: "list, shared",
  apart: "list, apart",
  pairs: "pairs, shared",
  pairsApart: "pairs, apart",
};

function tokensPanel(): Panel {
  const lines = Object.entries(TOKEN_NAMES).map(([key, name]): ScatterTrace => {
    const isList = key === "shared" || key === "apart";
    const { line, marker } = methodStyle(isList ? "listwise-dpo" : "dpo");
    const isShared = key === "shared" || key === "pairs";
    return {
      ...{ type: "scatter", mode: "lines+markers", name, marker },
      line: { ...line, dash: isShared ? "solid" : "dot" },
      x: COUNTS,
      y: COUNTS.map((list) => tokensOf(list, LENGTHS)[key as keyof Tokens]),
    };
  });
  return {
    title: "Tokens that go through the model for one list",
    note:
      `Counted, not timed, for a prompt of ${LENGTHS.prompt} tokens and answers of ${LENGTHS.answer}. Shared: the rows as trees, with the prompt once for all answers of a row. Apart: a prompt for each answer.`,
    data: lines,
    layout: {
      ...labelledLines(lines, { fromZero: true }),
      xaxis: { tickvals: COUNTS, title: { text: "answers in a list" } },
      yaxis: { title: { text: "tokens" }, rangemode: "tozero" },
    },
  };
}

function formsTable({ settings }: Summary): Table {
  const text = (measure: string) => (setting: GroupSetting) =>
    digits(quantile(endsOf(setting, measure), 0.5));
  return tableOf(settings, {
    caption:
      "The best on the way of training, and the end of it: medians over runs",
    columns: {
      data: ({ loss, level }) =>
        level["list"] === 2
          ? "pairs"
          : loss === "dpo"
          ? level["all"] ? "all pairs" : "best against worst"
          : "lists",
      "answers in a list": ({ level }) => level["list"]!,
      equal: ({ level }) => level["cost"] ? "cost of a step" : "answers",
      "best E[r] − 0.5 KL": (setting) => digits(middle(setting)),
      "reward at the end": text("reward"),
      "KL at the end": text("kl"),
      "ill-formed at the end": text("illFormed"),
    },
  });
}

function tokensTable(): Table {
  return tableOf(COUNTS, {
    caption:
      `Tokens for one list, prompt ${LENGTHS.prompt}, answers ${LENGTHS.answer}`,
    columns: {
      "answers in a list": (list) => `${list}`,
      ...Object.fromEntries(
        Object.entries(TOKEN_NAMES).map(([key, name]) => [
          name,
          (list: number) => tokensOf(list, LENGTHS)[key as keyof Tokens],
        ]),
      ),
    },
  });
}
