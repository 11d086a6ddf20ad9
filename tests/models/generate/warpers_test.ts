import { deepEqual, throws } from "node:assert/strict";
import { Candidates } from "lib/models/generate/candidates.ts";
import { type Sampling, warpersOf } from "lib/models/generate/warpers.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../../assert_close.ts";
import { CASES } from "./warpers_cases.ts";

/** The scores of warped logits; −∞ marks a token that is no candidate. */
function warped(
  logits: ArrayLike<number>,
  settings: Sampling,
  seen: Iterable<number> = [],
): Float64Array {
  const candidates = new Candidates();
  candidates.reset(logits);
  for (const warp of warpersOf(settings)) warp(candidates, seen);
  const { ids, scores } = candidates;
  const all = new Float64Array(logits.length).fill(-Infinity);
  for (const [i, id] of ids.entries()) all[id] = scores[i]!;
  return all;
}

/** Ids that are left. */
function left(logits: ArrayLike<number>, settings: Sampling): number[] {
  const scores = warped(logits, settings);
  return [...scores.keys()].filter((id) => scores[id]! > -Infinity);
}

function probabilities(scores: Float64Array): number[] {
  const candidates = new Candidates();
  candidates.reset(scores);
  const { weights, total } = candidates.softmax();
  return Array.from(weights, (weight) => weight / total);
}

for (const settings of new Set(CASES.map((c) => JSON.stringify(c.settings)))) {
  Deno.test(`${settings} leaves what it leaves in transformers`, () => {
    const cases = CASES.filter((c) => JSON.stringify(c.settings) === settings);
    for (const { kind, ids, logits, scores, settings, tied } of cases) {
      const found = warped(logits, settings, new Set(ids));
      const pair = [found, scores.slice()].map((x) => tied ? x.sort() : x);
      const [ours, theirs] = pair.map((list) =>
        Array.from(list, (score) => score > -Infinity)
      );
      deepEqual(ours, theirs, `tokens left of ${kind} logits`);
      const [p, q] = pair.map(probabilities);
      assertClose(p!, q!, { tolerance: 1e-13, what: `p of ${kind} logits` });
    }
  });
}

Deno.test("top-k is that of all logits in order, however many there are", () => {
  const rng = new Rng(1);
  for (const [n, k] of [[1000, 7], [1000, 400], [1000, 999], [3, 2]]) {
    const logits = Float64Array.from({ length: n! }, () => rng.integer(200));
    const [...sorted] = logits.toSorted().reverse();
    const expected = [...logits.keys()].filter((id) =>
      logits[id]! >= sorted[k! - 1]!
    );
    deepEqual(left(logits, { topK: k! }), expected);
  }
});

Deno.test("of equally likely tokens top-p keeps the first", () => {
  deepEqual(left([1, 0, 1, 1, 1], { topP: 0.5 }), [0, 2, 3]);
  deepEqual(left([0, 1, 1], { topP: 0.1 }), [1]);
});

Deno.test("top-k and min-p keep all tokens that tie with the last one", () => {
  deepEqual(left([3, 1, 2, 2, 2], { topK: 2 }), [0, 2, 3, 4]);
  const logits = [0.5, 0.25, 1, 0.25, 0.125].map(Math.log);
  deepEqual(left(logits, { minP: 0.25 }), [0, 1, 2, 3]);
});

Deno.test("a temperature of 0 leaves the first of the likeliest, whatever else is set", () => {
  const logits = [1, 3, -Infinity, 3];
  deepEqual(left(logits, { temperature: 0 }), [1]);
  const all = { topK: 3, topP: 0.9, minP: 0.1 };
  deepEqual(left(logits, { temperature: 0, ...all }), [1]);
});

Deno.test("the repetition penalty comes first", () => {
  const scores = warped([4, -2, 1], { repetitionPenalty: 2 }, [0, 1]);
  deepEqual([...scores], [2, -4, 1]);
  const greedy = { repetitionPenalty: 5, temperature: 0 };
  deepEqual([...warped([4, -2, 1], greedy, [0, 1])], [-Infinity, -Infinity, 1]);
});

Deno.test("what changes nothing takes no time", () => {
  const neutral = { repetitionPenalty: 1, temperature: 1, topK: 0, minP: 0 };
  deepEqual(warpersOf({ ...neutral, topP: 1 }), []);
});

/** A setting, and what its error says. */
const REFUSED: [Sampling, RegExp][] = [
  [{ repetitionPenalty: 0 }, /repetition-penalty 0: expected a number above 0/],
  [{ temperature: -1 }, /temperature -1: expected a number of at least 0/],
  [{ temperature: NaN }, /temperature NaN/],
  [{ temperature: Infinity }, /temperature Infinity/],
  [{ topK: 1.5 }, /top-k 1.5: expected an integer of at least 0/],
  [{ topK: -1 }, /top-k -1/],
  [{ topP: 0 }, /top-p 0: expected a number above 0 and at most 1/],
  [{ topP: 1.5 }, /top-p 1.5/],
  [{ minP: 1.1 }, /min-p 1.1: expected a number from 0 to 1/],
  [{ minP: NaN }, /min-p NaN/],
];

Deno.test("settings out of their ranges are refused", () => {
  for (const [sampling, message] of REFUSED) {
    throws(() => warpersOf(sampling), message);
  }
});
