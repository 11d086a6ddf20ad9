/** The value of a function at a point, and its gradient there. */
export interface Evaluated {
  readonly value: number;
  readonly gradient: readonly number[];
}

/** Settings of {@linkcode minimise}. */
export interface MinimiseOptions {
  /** The search ends where no entry of the gradient is larger. @default 1e-9 */
  readonly tolerance?: number;
  /** The search ends where an entry of the point is larger. @default 1e4 */
  readonly far?: number;
  /** The most points from which it searches on. @default 200 */
  readonly iterations?: number;
}

/** The end of a search, and why it ended there. */
export interface Minimum extends Evaluated {
  readonly point: readonly number[];
  /** The gradient vanishes, the point runs away, or no step leads on. */
  readonly end: "stationary" | "far" | "stuck";
}

type Objective = (point: readonly number[]) => Promise<Evaluated>;
type Place = Evaluated & { readonly point: readonly number[] };
type Move = { readonly step: number[]; readonly change: number[] };

/** Moves from which the curvature is guessed. */
const MEMORY = 20;
/** Lengths of a step that are tried. */
const TRIALS = 20;

/**
 * A local minimum of a smooth function, by L-BFGS (Nocedal and Wright,
 * Numerical Optimization, algorithm 7.4) with a line search for the weak Wolfe
 * conditions. The function may be asynchronous, as compiled graphs are.
 */
export async function minimise(
  f: Objective,
  start: readonly number[],
  { tolerance = 1e-9, far = 1e4, iterations = 200 }: MinimiseOptions = {},
): Promise<Minimum> {
  let at: Place = { point: start, ...await f(start) };
  const moves: Move[] = [];
  for (let i = 0; i < iterations; i++) {
    if (largest(at.gradient) <= tolerance) return { ...at, end: "stationary" };
    if (largest(at.point) > far) return { ...at, end: "far" };
    const next = await search(f, at, downhill(at.gradient, moves)) ??
      await search(f, at, at.gradient.map((g) => -g));
    if (!next) return { ...at, end: "stuck" };
    remember(moves, at, next);
    at = next;
  }
  return { ...at, end: "stuck" };
}

function remember(moves: Move[], from: Place, to: Place): void {
  const step = minus(to.point, from.point);
  const change = minus(to.gradient, from.gradient);
  if (dot(step, change) <= 1e-14 * dot(change, change)) return;
  moves.push({ step, change });
  if (moves.length > MEMORY) moves.shift();
}

/** −H g, with H the inverse curvature along the moves: the two loops. */
function downhill(
  gradient: readonly number[],
  moves: readonly Move[],
): number[] {
  let direction = gradient.map((g) => -g);
  const shares: number[] = [];
  for (const { step, change } of moves.toReversed()) {
    const share = dot(step, direction) / dot(step, change);
    shares.unshift(share);
    direction = plus(direction, -share, change);
  }
  const last = moves.at(-1);
  const scale = last
    ? dot(last.step, last.change) / dot(last.change, last.change)
    : 1 / Math.max(1, largest(gradient));
  direction = direction.map((d) => scale * d);
  for (const [i, { step, change }] of moves.entries()) {
    const share = dot(change, direction) / dot(step, change);
    direction = plus(direction, shares[i]! - share, step);
  }
  return direction;
}

/**
 * Halves too long steps and doubles too short ones (Lewis and Overton,
 * https://doi.org/10.1007/s10107-012-0514-2). Where the value has no more
 * digits to fall, the slope says how far it would (Hager and Zhang,
 * https://doi.org/10.1137/030601880, "approximate Wolfe").
 */
async function search(
  f: Objective,
  from: Place,
  direction: readonly number[],
): Promise<Place | null> {
  const slope = dot(from.gradient, direction);
  if (!(slope < 0)) return null;
  let [low, high, length] = [0, Infinity, 1];
  let best: Place | null = null;
  const noise = 1e-14 * Math.max(1, Math.abs(from.value));
  for (let i = 0; i < TRIALS; i++) {
    const point = plus(from.point, length, direction);
    const place = { point, ...await f(point) };
    const ahead = dot(place.gradient, direction);
    const falls = place.value <= from.value + 1e-4 * length * slope ||
      place.value <= from.value + noise && ahead <= -0.9 * slope;
    if (falls && ahead >= 0.9 * slope) return place;
    if (falls) [best, low] = [place, length];
    else high = length;
    length = high < Infinity ? (low + high) / 2 : 2 * low;
  }
  return best;
}

const largest = (x: readonly number[]) =>
  x.reduce((most, each) => Math.max(most, Math.abs(each)), 0);

const dot = (x: readonly number[], y: readonly number[]) =>
  x.reduce((sum, each, i) => sum + each * y[i]!, 0);

const minus = (x: readonly number[], y: readonly number[]) => plus(x, -1, y);

const plus = (x: readonly number[], factor: number, y: readonly number[]) =>
  x.map((each, i) => each + factor * y[i]!);
