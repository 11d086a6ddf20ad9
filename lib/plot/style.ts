import type { Dash } from "plotly.js";

/**
 * Colours that stay apart for the colour-blind, by Okabe and Ito,
 * https://jfly.uni-koeln.de/color/; the ones that read best on white first.
 */
export const OKABE_ITO = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#000000",
  "#F0E442",
] as const;

const [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK] = OKABE_ITO;

/** Text and facts of the world, as opposed to measurements. */
export const INK = "#222222";
/** Whatever a reader should see last: iso-lines, arrows, notes in a plot. */
export const MUTED = "#767676";
/** Between muted and shade: a part of a whole that is neither. */
export const LIGHT = "#B0B0B0";
/** Text that broke, reward that is lost: a red that no method has. */
export const RED = "#D01050";
/** A region of a plot in which nothing can be. */
export const SHADE = "#EDEDED";
export const PAPER = "#FFFFFF";
export const GRID = "#E8E8E8";
export const AXIS_LINE = "#888888";

/** The colours of methods by name. Yellow is too pale on white. */
export const COLORS = {
  blue: BLUE,
  vermilion: VERMILION,
  green: GREEN,
  purple: PURPLE,
  orange: ORANGE,
  sky: SKY,
  gray: "#7F7F7F",
} as const;

/** Darker forms of the colours in which small text is too pale on white. */
const TEXT_COLORS: Readonly<Record<string, string>> = {
  [VERMILION]: "#B84F00",
  [GREEN]: "#007A59",
  [PURPLE]: "#A8527F",
  [ORANGE]: "#946600",
  [SKY]: "#1F78A8",
  [COLORS.gray]: MUTED,
};

/** The colour of text that names a line or a point of a colour. */
export function textColor(color: string): string {
  return TEXT_COLORS[color] ?? color;
}

/** What the colours of a plot become on a dark page. */
export const ON_DARK: Readonly<Record<string, string>> = {
  [BLACK]: "#E6E6E6",
  [INK]: "#E6E6E6",
  [MUTED]: "#9A9A9A",
  [LIGHT]: "#666666",
  [RED]: "#E8447A",
  [SHADE]: "#2A2A2A",
  [PAPER]: "#161616",
  [GRID]: "#333333",
  [AXIS_LINE]: "#8A8A8A",
  [BLUE]: "#2F93DB",
  [VERMILION]: "#EE7320",
  [GREEN]: "#14B487",
  [SKY]: "#8CCFF5",
  "#B84F00": "#EE7320",
  "#007A59": "#14B487",
  "#A8527F": "#DE93BC",
  "#946600": "#E69F00",
  "#1F78A8": "#8CCFF5",
};

/** Plotly's line patterns, most different first. */
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"] as const;

/** Plotly's point symbols, most different first. */
export const SYMBOLS = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "x",
  "triangle-down",
  "star",
  "cross",
] as const;

/**
 * The look of a method in every figure. Relatives share a colour and differ in
 * dash and symbol.
 */
export interface Mark {
  /** Of Okabe and Ito; gray for methods without relatives. */
  readonly color:
    | "blue"
    | "vermilion"
    | "green"
    | "purple"
    | "orange"
    | "sky"
    | "gray";
  /** The pattern of its lines. */
  readonly dash: "solid" | "dash" | "dot" | "dashdot" | "longdash";
  /** The shape of its points. */
  readonly symbol:
    | "circle"
    | "square"
    | "triangle-up"
    | "diamond"
    | "x"
    | "triangle-down"
    | "star"
    | "cross";
}

/** Each symbol as a character, for text. */
const GLYPHS: Readonly<Record<Mark["symbol"], string>> = {
  "circle": "●",
  "square": "■",
  "triangle-up": "▲",
  "diamond": "◆",
  "x": "✖",
  "triangle-down": "▼",
  "star": "★",
  "cross": "✚",
};

/** The mark of a method that declares none. */
const UNMARKED: Mark = { color: "gray", dash: "solid", symbol: "circle" };

/** How one series is drawn. */
export interface SeriesStyle {
  line: { color: string; dash: Dash };
  marker: { color: string; symbol: string };
}

/** The style of a method. */
export function markStyle(mark: Mark = UNMARKED): SeriesStyle {
  const color = COLORS[mark.color];
  return {
    line: { color, dash: mark.dash },
    marker: { color, symbol: mark.symbol },
  };
}

/** The symbol of a method in its colour, for headings and tables. */
export function markHtml({ color, symbol }: Mark = UNMARKED): string {
  return `<span class="mark" style="color:var(--${color})">${
    GLYPHS[symbol]
  }</span>`;
}

/**
 * The style of series `index` of a plot whose series are no methods; neighbours
 * differ in colour, dash and symbol.
 */
export function seriesStyle(index: number): SeriesStyle {
  const color = OKABE_ITO[index % OKABE_ITO.length]!;
  return {
    line: { color, dash: DASHES[index % DASHES.length]! },
    marker: { color, symbol: SYMBOLS[index % SYMBOLS.length]! },
  };
}
