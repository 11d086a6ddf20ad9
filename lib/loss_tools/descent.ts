import { Rng } from "../rng.ts";
import { logSoftmax } from "../stats/distribution.ts";
import type { Answer, ExpectedLoss } from "./expected_loss.ts";
import { minimise } from "./minimise.ts";

/** An answer whose probability has fallen by so many nats is never given. */
export const NEVER = 30;
/** Rounds in which statistics that the loss takes as constants have to settle. */
const ROUNDS = 20;

/** The end of a search for the least loss. */
export interface Descent {
  readonly end: "stationary" | "endless" | "stuck" | "unsettled";
  readonly loss: number;
  readonly logProbs: readonly number[];
  /** Whether it only tends to the policy, which never gives some answers. */
  readonly isLimit: boolean;
}

/** Minimises in turn with the statistics of the policy found before. */
export async function settle(
  expected: ExpectedLoss,
  answers: readonly Answer[],
  start: readonly number[],
): Promise<Descent> {
  const logRefs = answers.map(({ probability }) => Math.log(probability));
  let at = start;
  let statistics = expected.statistics(policyAt(logRefs, at));
  for (let round = 0; round < ROUNDS; round++) {
    const found = await descend(expected, { logRefs, statistics, start: at });
    const next = expected.statistics(found.logProbs);
    if (found.end !== "stationary" || areClose(statistics, next)) return found;
    at = found.logProbs.map((x, i) => x - logRefs[i]!);
    statistics = next;
  }
  const last = await descend(expected, { logRefs, statistics, start: at });
  return { ...last, end: "unsettled" };
}

type Statistics = ReturnType<ExpectedLoss["statistics"]>;

function areClose(a: Statistics, b: Statistics): boolean {
  return Object.keys(a).every((name) =>
    Math.abs(Number(a[name]) - Number(b[name])) < 1e-6
  );
}

const policyAt = (logRefs: readonly number[], x: readonly number[]) =>
  logSoftmax(x.map((each, i) => each + logRefs[i]!));

/** The expected loss as a function of √p x, and the policy there. */
function objective(
  expected: ExpectedLoss,
  logRefs: readonly number[],
  statistics: Statistics,
) {
  const roots = logRefs.map((x) => Math.exp(x / 2));
  const policy = (scaled: readonly number[]) =>
    policyAt(logRefs, scaled.map((x, i) => x / roots[i]!));
  const f = async (scaled: readonly number[]) => {
    const logProbs = policy(scaled);
    const { value, gradient } = await expected.at(logProbs, statistics);
    const total = gradient.reduce((a, b) => a + b, 0);
    return {
      value,
      gradient: gradient.map((g, i) =>
        (g - Math.exp(logProbs[i]!) * total) / roots[i]!
      ),
    };
  };
  return { f, policy, roots };
}

type Objective = ReturnType<typeof objective>["f"];

/** Whether the gradient is the slope of the loss, which parts behind `detach()` can prevent. */
export async function hasWholeGradient(
  expected: ExpectedLoss,
  answers: readonly Answer[],
): Promise<boolean> {
  const rng = new Rng("slope");
  const logRefs = answers.map(({ probability }) => Math.log(probability));
  const normals = () => answers.map(() => rng.normal());
  const statistics = expected.statistics(policyAt(logRefs, normals()));
  const { f, roots } = objective(expected, logRefs, statistics);
  const at = normals().map((x, i) => x * roots[i]!);
  const way = normals().map((x, i) => x * roots[i]!);
  const moved = async (by: number) =>
    (await f(at.map((x, i) => x + by * way[i]!))).value;
  const slope = (await f(at)).gradient
    .reduce((sum, g, i) => sum + g * way[i]!, 0);
  const expectedSlope = (await moved(1e-5) - await moved(-1e-5)) / 2e-5;
  return Math.abs(slope - expectedSlope) <=
    1e-5 * (1 + Math.abs(expectedSlope));
}

/**
 * Whether the gradient jumps beside a policy, as it does where a loss has a
 * corner: the step across one does not shrink with the distance.
 */
export async function hasCorner(
  expected: ExpectedLoss,
  answers: readonly Answer[],
  logProbs: readonly number[],
): Promise<boolean> {
  const rng = new Rng("corner");
  const logRefs = answers.map(({ probability }) => Math.log(probability));
  const { f, roots } = objective(
    expected,
    logRefs,
    expected.statistics(logProbs),
  );
  const at = logProbs.map((x, i) => (x - logRefs[i]!) * roots[i]!);
  const way = roots.map((root) => root * rng.normal());
  const jump = async (by: number) => {
    const beside = (sign: number) =>
      f(at.map((x, i) => x + sign * by * way[i]!));
    const [after, before] = [await beside(1), await beside(-1)];
    return Math.hypot(
      ...after.gradient.map((g, i) => g - before.gradient[i]!),
    );
  };
  return await jump(1e-6) > 0.1 * await jump(1e-4);
}

/** Whether nothing moves the loss, at two policies drawn at random. */
export async function isConstant(
  expected: ExpectedLoss,
  answers: readonly Answer[],
): Promise<boolean> {
  const rng = new Rng("constant");
  const logRefs = answers.map(({ probability }) => Math.log(probability));
  const normals = () => answers.map(() => rng.normal());
  const statistics = expected.statistics(policyAt(logRefs, normals()));
  const { f } = objective(expected, logRefs, statistics);
  const [one, other] = [await f(normals()), await f(normals())];
  return one.value === other.value &&
    [...one.gradient, ...other.gradient].every((g) => g === 0);
}

/**
 * One search. Its variables are √p x, in which the curvature of losses that
 * weigh answers by p is about equal.
 */
async function descend(
  expected: ExpectedLoss,
  { logRefs, statistics, start }: {
    readonly logRefs: readonly number[];
    readonly statistics: Statistics;
    readonly start: readonly number[];
  },
): Promise<Descent> {
  const { f, policy, roots } = objective(expected, logRefs, statistics);
  const begin = start.map((x, i) => x * roots[i]!);
  const steepest = Math.hypot(...(await f(begin)).gradient);
  const { point, value: loss, end } = await minimise(f, begin, {
    tolerance: 1e-9 * Math.max(1, steepest),
  });
  const isFar = end !== "stationary" && await isEndless(f, point);
  return {
    end: isFar ? "endless" : end === "far" ? "stuck" : end,
    loss,
    logProbs: policy(point),
    isLimit: await isLimit(f, { point, loss, roots }),
  };
}

/** Whether the answers that are never given may as well become still less likely. */
async function isLimit(
  f: Objective,
  { point, loss, roots }: {
    readonly point: readonly number[];
    readonly loss: number;
    readonly roots: readonly number[];
  },
): Promise<boolean> {
  const x = point.map((each, i) => each / roots[i]!);
  const lowest = Math.max(...x) - NEVER;
  if (x.every((each) => each > lowest)) return false;
  const lower = x.map((each, i) =>
    (each > lowest ? each : each - NEVER) * roots[i]!
  );
  return (await f(lower)).value <= loss + 1e-12 * Math.max(1, Math.abs(loss));
}

/** Whether the loss still falls as fast, or faster, the farther x goes. */
async function isEndless(
  f: Objective,
  point: readonly number[],
): Promise<boolean> {
  const [at, twice, fourTimes] = await Promise.all(
    [1, 2, 4].map(async (factor) =>
      (await f(point.map((x) => factor * x))).value
    ),
  );
  const [near, farther] = [at! - twice!, twice! - fourTimes!];
  return near > 1e-3 && farther >= near;
}
