import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { type Claim, type Finding, judge } from "lib/experiment/claim.ts";
import {
  drawsEvidence,
  type Evidence,
  exactDifference,
  exactEvidence,
  promptsEvidence,
} from "lib/experiment/evidence.ts";
import type { Verdict } from "lib/plot/figure.ts";
import { Rng } from "lib/rng.ts";
import { bootstrap } from "lib/stats/bootstrap.ts";

/** A claim whose evidence is the summary. */
function claim(
  id: string,
  of: (all: readonly Evidence[]) => Evidence,
  delta = 0.1,
) {
  return {
    id,
    source: { title: "A paper", url: "https://example.org" },
    statement: "A is better than B.",
    reported: "0.2",
    contrast: "A − B",
    unit: "nats",
    delta,
    evidence: of,
  } satisfies Claim<readonly Evidence[]>;
}

/** Judges each evidence by a claim of its own, all in one family. */
function judgeAll(all: readonly Evidence[], delta = 0.1): Finding[] {
  return judge(
    all.map((_, i) => claim(`claim${i}`, (summary) => summary[i]!, delta)),
    all,
  );
}

const verdictOf = (evidence: Evidence, delta?: number): Verdict =>
  judgeAll([evidence], delta)[0]!.verdict;

const around = (mean: number, spread: number, n = 8): number[] =>
  Array.from({ length: n }, (_, i) => mean + spread * (2 * i / (n - 1) - 1));

const draws = (values: readonly number[]) =>
  drawsEvidence(values, { seeds: 3 });

/** Evidence with the numbers of a figure of intervals. */
const known = (low: number, estimate: number, high: number, p: number) => ({
  ...{ low, estimate, high, values: [], checks: [] },
  test: { p, smallestP: 0.001, sample: { unit: "draw", count: 20, seeds: 3 } },
});

Deno.test("judge() puts every interval under one verdict", () => {
  // δ is 0.1: low, estimate, high, p.
  const cases: [number, number, number, number, Verdict, RegExp][] = [
    [0.05, 0.2, 0.3, 0.01, "shown", /claimed side and at least 0\.1 nats/],
    [0.05, 0.1, 0.3, 0.01, "shown", /claimed side/],
    [-0.3, -0.2, -0.05, 0.01, "opposite", /other side and at least 0\.1/],
    [-0.08, 0, 0.09, 0.9, "not shown", /effect of 0\.1 nats is excluded/],
    [0.02, 0.05, 0.1, 0.01, "not shown", /an effect, smaller than 0\.1/],
    [-0.1, -0.05, -0.02, 0.01, "not shown", /an effect, smaller than 0\.1/],
    [-0.05, 0.2, 0.4, 0.1, "not testable", /both no effect and one larger/],
    [-0.4, 0.0, 0.4, 0.1, "not testable", /both no effect and one larger/],
    [0.02, 0.08, 0.15, 0.01, "not testable", /open whether it is as large/],
    [-0.15, -0.08, -0.02, 0.01, "not shown", /other side; whether .* open/],
    [-0.4, -0.1, 0.1, 0.2, "not shown", /excluded on the claimed side, not/],
    [0.05, 0.2, 0.3, 0.05, "not testable", /does not outlast Holm/],
    [-0.3, -0.2, -0.05, 0.05, "not shown", /other side; whether .* open/],
    [0, 0.2, 0.3, 0.04, "not testable", /both no effect/],
  ];
  for (const [low, estimate, high, p, verdict, reason] of cases) {
    const [finding] = judgeAll([known(low, estimate, high, p)]);
    strictEqual(finding!.verdict, verdict, `${[low, estimate, high, p]}`);
    ok(reason.test(finding!.reason), finding!.reason);
  }
});

Deno.test("a difference of numbers is known where both are", () => {
  strictEqual(exactDifference(5, 2).estimate, 3);
  strictEqual(exactDifference(0, 0).estimate, 0);
  strictEqual(exactDifference(undefined, 2).estimate, null);
  strictEqual(verdictOf(exactDifference(5, null)), "not testable");
});

Deno.test("judge() decides exact effects by δ alone", () => {
  const verdicts = [0.1, 0.0999, 0, -0.0999, -0.1].map((value) =>
    verdictOf(exactEvidence(value))
  );
  const not = "not shown";
  deepStrictEqual(verdicts, ["shown", not, not, not, "opposite"]);
  const [finding] = judgeAll([exactEvidence(2.4)]);
  deepStrictEqual(
    [finding!.low, finding!.high, finding!.n, finding!.p, finding!.pAdjusted],
    [2.4, 2.4, null, null, null],
  );
});

Deno.test("judge() tests nothing on one draw, and says so", () => {
  const [finding] = judgeAll([draws([5])]);
  strictEqual(finding!.verdict, "not testable");
  strictEqual(finding!.reason, "Only one draw.");
  deepStrictEqual(finding!.n, { unit: "draw", count: 1, seeds: 3 });
});

Deno.test("judge() tests nothing where no draw has a value", () => {
  const [none, other] = judgeAll([draws([]), draws(around(1, 0.01, 9))]);
  strictEqual(none!.verdict, "not testable");
  strictEqual(none!.reason, "No draw has a value.");
  deepStrictEqual([none!.estimate, none!.low, none!.high], [null, null, null]);
  strictEqual(other!.verdict, "shown");
});

Deno.test("judge() takes draws that all agree, whatever rounding does to their mean", () => {
  for (const n of [9, 20, 22]) {
    const alike = new Array<number>(n).fill(0.3);
    strictEqual(verdictOf(draws(alike)), "shown");
    strictEqual(verdictOf(draws(alike), 0.4), "not shown");
    strictEqual(verdictOf(draws(new Array<number>(n).fill(0))), "not shown");
  }
});

Deno.test("judge() tests nothing on fewer draws than can reach 0.05 after Holm", () => {
  strictEqual(verdictOf(draws(around(1, 0.01, 5))), "not testable");
  strictEqual(verdictOf(draws(around(1, 0.01, 6))), "shown");
  // Two claims of six draws: 2 · 1/32 is above 0.05. Seven draws suffice.
  const of = (n: number) => [draws(around(1, 0.01, n)), draws(around(0, 9, n))];
  const [six] = judgeAll(of(6));
  strictEqual(six!.verdict, "not testable");
  strictEqual(
    six!.reason,
    "6 draws are too few: no data could bring p below 0.05.",
  );
  strictEqual(judgeAll(of(7))[0]!.verdict, "shown");
  const edge = known(0.05, 0.2, 0.3, 0.05);
  const test = { ...edge.test, smallestP: 0.05 };
  ok(judgeAll([{ ...edge, test }])[0]!.reason.includes("too few"));
  // Exact claims are outside of the family.
  const beside = [draws(around(1, 0.01, 6)), exactEvidence(1)];
  strictEqual(judgeAll(beside)[0]!.verdict, "shown");
});

Deno.test("judge() adjusts p-values over the claims that rest on samples", () => {
  const findings = judgeAll([
    known(0.05, 0.2, 0.3, 0.02),
    exactEvidence(1),
    known(0.05, 0.2, 0.3, 0.03),
  ]);
  deepStrictEqual(findings.map(({ p }) => p), [0.02, null, 0.03]);
  deepStrictEqual(findings.map((f) => f.pAdjusted), [0.04, null, 0.04]);
});

Deno.test("judge() tests nothing where a check fails", () => {
  const failed = { name: "the policy moves", passed: false, found: "0.0 nats" };
  const passed = { name: "pairs differ", passed: true, found: "yes" };
  const checks = [passed, failed];
  for (
    const evidence of [
      exactEvidence(5, { checks }),
      drawsEvidence(around(5, 1), { seeds: 3, checks }),
    ]
  ) {
    const [finding] = judgeAll([evidence]);
    strictEqual(finding!.verdict, "not testable");
    strictEqual(
      finding!.reason,
      "A check failed: the policy moves (0.0 nats).",
    );
    deepStrictEqual(finding!.checks, checks);
  }
  strictEqual(verdictOf(exactEvidence(5, { checks: [passed] })), "shown");
});

Deno.test("judge() takes a bootstrap over prompts", () => {
  const gains = around(0.3, 0.4, 200);
  const mean = (xs: readonly number[]) =>
    xs.reduce((sum, x) => sum + x, 0) / xs.length;
  const found = bootstrap(gains, mean, { random: new Rng(0), resamples: 999 });
  const [finding] = judgeAll([promptsEvidence(found)]);
  strictEqual(finding!.verdict, "shown");
  deepStrictEqual(finding!.n, { unit: "prompt", count: 200, seeds: 1 });
});

const RANK = { opposite: -1, "not shown": 0, "not testable": 0, shown: 1 };

/** Differences of one to twelve draws, of three laws and many scales. */
function randomDraws(rng: Rng): number[] {
  const n = 1 + rng.integer(12);
  const [centre, scale] = [rng.normal() * 0.3, 10 ** (-2 + 2 * rng.uniform())];
  const laws = [
    () => rng.normal(),
    () => rng.normal() / rng.normal(),
    () => rng.integer(3) - 1,
  ];
  const law = laws[rng.integer(laws.length)]!;
  return Array.from({ length: n }, () => centre + scale * law());
}

Deno.test("A larger effect never gives a verdict against the claim", () => {
  const rng = new Rng("monotone");
  const seen = new Set<Verdict>();
  for (let trial = 0; trial < 1500; trial++) {
    const values = randomDraws(rng);
    const others = Array.from(
      { length: rng.integer(3) },
      () => draws(randomDraws(rng)),
    );
    let last = -1;
    for (const shift of [-1, -0.3, -0.1, -0.03, 0, 0.01, 0.1, 0.2, 0.5, 2]) {
      const evidence = draws(values.map((x) => x + shift));
      const { verdict } = judgeAll([evidence, ...others])[0]!;
      ok(RANK[verdict] >= last, `${values} + ${shift}: ${verdict}`);
      last = RANK[verdict];
      seen.add(verdict);
    }
  }
  deepStrictEqual([...seen].sort(), Object.keys(RANK).sort());
});

Deno.test("The opposite of a claim gets the opposite verdict", () => {
  const rng = new Rng("mirror");
  const mirrored: Record<Verdict, readonly Verdict[]> = {
    ...{ shown: ["opposite"], opposite: ["shown"] },
    "not shown": ["not shown", "not testable"],
    "not testable": ["not shown", "not testable"],
  };
  for (let trial = 0; trial < 500; trial++) {
    const values = randomDraws(rng);
    const turned = verdictOf(draws(values.map((x) => -x)));
    ok(mirrored[verdictOf(draws(values))].includes(turned), turned);
  }
});

Deno.test("Verdicts hold what their names say", () => {
  const rng = new Rng("rules");
  for (let trial = 0; trial < 1000; trial++) {
    const [finding] = judgeAll([draws(randomDraws(rng))]);
    const { verdict, estimate, low, high, pAdjusted } = finding!;
    if (verdict === "shown") {
      ok(low! > 0 && estimate! >= 0.1 && pAdjusted! < 0.05);
    } else if (verdict === "opposite") {
      ok(high! < 0 && estimate! <= -0.1 && pAdjusted! < 0.05);
    } else if (verdict === "not shown") {
      ok(high! <= 0.1);
    } else {
      ok(high === null || high > 0.1);
    }
  }
});

Deno.test("A false claim is shown in fewer than one of twenty experiments", () => {
  const rng = new Rng("false");
  let wrong = 0;
  const experiments = 1000;
  for (let i = 0; i < experiments; i++) {
    const none = () =>
      draws(Array.from({ length: 9 }, () => rng.normal() * 0.3));
    const findings = judgeAll([none(), none(), none()], 0.01);
    if (findings.some(({ verdict }) => RANK[verdict] !== 0)) wrong++;
  }
  ok(wrong > 0 && wrong <= 0.05 * experiments, `${wrong}`);
});

Deno.test("Findings are ready for JSON, and equal for equal evidence", () => {
  const values = around(0.3, 0.2, 22);
  const findings = () => judgeAll([draws(values), exactEvidence(1)]);
  deepStrictEqual(JSON.parse(JSON.stringify(findings())), findings());
  deepStrictEqual(findings()[0]!.values, values);
  deepStrictEqual(Object.keys(findings()[0]!).toSorted(), [
    ...["checks", "contrast", "delta", "estimate", "high", "id", "low", "n"],
    ...["p", "pAdjusted", "reason", "reported", "source", "statement"],
    ...["unit", "values", "verdict"],
  ]);
});

Deno.test("judge() names a claim that it cannot judge", () => {
  for (const delta of [0, -1, NaN]) {
    throws(
      () => judgeAll([exactEvidence(1)], delta),
      new RegExp(`"claim0" by δ = ${delta}: expected a number above 0`),
    );
  }
  throws(() => judgeAll([exactEvidence(NaN)]), /the estimate NaN in \[NaN/);
  throws(() => judgeAll([known(0.3, 0.2, 0.4, 0.1)]), /0\.2 in \[0\.3, 0\.4\]/);
  const twice = [1, 2].map(() => claim("same", ([first]) => first!));
  throws(() => judge(twice, [exactEvidence(1)]), /two claims "same"/);
});
