/** Dots that have one name. */
export interface NamedDots {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Sides of a dot, the preferred one first, in the directions of a page. */
const SIDES = {
  "top center": [0, -1],
  "bottom center": [0, 1],
  "middle right": [1, 0],
  "middle left": [-1, 0],
} as const;

/** The place of a name: beside a dot of its own. */
export interface DotName {
  /** Number of the dot; 0 where there is none. */
  readonly dot: number;
  /** https://plotly.com/javascript/reference/scatter/#scatter-textposition */
  readonly side: keyof typeof SIDES;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels of a plot in the narrowest column, of a letter and of a line. */
const [WIDTH, HEIGHT, LETTER, LINE] = [290, 320, 6.2, 13];
/** Pixels between a dot's middle and its name, which are enough elsewhere, too. */
const GAP = 7;

/**
 * Places the name of each series beside one of its dots, where it lies on no
 * other dot and no earlier name, as far as there is such a place.
 */
export function dotNames(series: readonly NamedDots[]): DotName[] {
  const scale = scaleOf(series);
  const dots = series.flatMap(scale);
  const placed: Box[] = [];
  return series.map((one) => {
    const places = scale(one).flatMap((at, dot) =>
      Object.entries(SIDES).map(([side, [right, down]]) => {
        const width = LETTER * [...one.name].length;
        const x = at.x + right * (GAP + width / 2);
        const y = at.y + down * (GAP + LINE / 2);
        const box = { x, y, width, height: LINE };
        return { dot, side: side as DotName["side"], box };
      })
    );
    const room = places.map(({ box }) => roomOf(box, [...dots, ...placed]));
    const best = places[room.indexOf(Math.max(...room))];
    if (!best) return { dot: 0, side: "top center" };
    placed.push(best.box);
    return { dot: best.dot, side: best.side };
  });
}

/** Maps dots to pixels, as axes do that show all of them. */
function scaleOf(series: readonly NamedDots[]) {
  const pixels = (values: readonly number[], size: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value: number) => size * (value - low) / (high - low || 1);
  };
  const across = pixels(series.flatMap(({ x }) => x), WIDTH);
  const up = pixels(series.flatMap(({ y }) => y), HEIGHT);
  return ({ x, y }: NamedDots): Box[] =>
    x.map((value, i) => ({
      ...{ x: across(value), y: HEIGHT - up(y[i]!), width: 0, height: 0 },
    }));
}

/** Pixels between a name and whatever is nearest; less than 0 beyond the plot. */
function roomOf(box: Box, others: readonly Box[]): number {
  const beyond = Math.abs(box.x - WIDTH / 2) + box.width / 2 - WIDTH / 2;
  if (beyond > 2 * GAP) return -beyond;
  return Math.min(GAP, ...others.map((other) => distance(box, other)));
}

function distance(a: Box, b: Box): number {
  const across = Math.abs(a.x - b.x) - (a.width + b.width) / 2;
  const up = Math.abs(a.y - b.y) - (a.height + b.height) / 2;
  return Math.hypot(Math.max(across, 0), Math.max(up, 0));
}
