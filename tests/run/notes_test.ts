import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { diagnose, type Diagnostics } from "lib/train/diagnostics.ts";
import { loadExamples } from "lib/data/load.ts";
import { dataNote, displacementWarning, headline } from "lib/run/notes.ts";

const DISPLACED: Diagnostics = {
  on: "evaluation",
  examples: 16,
  chosenChange: -6.4351,
  rejectedChange: -97.34,
  marginChange: 90.905,
  klStart: 51.9,
  displaced: true,
  lengths: { chosen: 28, rejected: 27 },
  lengthCorrelation: null,
};

Deno.test("a run that lost its chosen completions says so in a line", () => {
  strictEqual(
    displacementWarning({ summary: { diagnostics: DISPLACED } }),
    "likelihood displacement: the margin grew by 90.9 nats, but chosen completions lost 6.44 (means of 16 evaluation examples)",
  );
});

Deno.test("a run that did not says nothing", () => {
  const diagnostics = { ...DISPLACED, displaced: false };
  strictEqual(displacementWarning({ summary: { diagnostics } }), null);
  strictEqual(displacementWarning({ summary: {} }), null);
});

/** Lengths of chosen and rejected completions, in scored tokens. */
const LENGTHS = [[1, 1], [1, 4], [7, 2], [20, 30], [600, 3], [3, 900]] as const;

/** Parts of a bound, and whether they are beyond it. */
const AROUND: [number, boolean][] = [
  [0.5, false],
  [1 - 2 ** -40, false],
  [1, false],
  [1 + 2 ** -40, true],
  [2, true],
];

/** Nats by which rounding may move the log-probability of so many tokens. */
const bound = (tokens: number) => 1e-4 * (1 + tokens);

/** The warning of a run that changed the log-probabilities of equal pairs alike. */
function warning(lengths: readonly number[], changes: readonly number[]) {
  const prompt = [1];
  const completions = lengths.map((length) => Array<number>(length).fill(5));
  const examples = Array(4).fill({ prompt, completions });
  const diagnostics: Diagnostics = {
    on: "evaluation",
    ...diagnose(examples, Array(4).fill(changes)),
  };
  return displacementWarning({ summary: { diagnostics } });
}

Deno.test("displacement is announced exactly where both changes are beyond rounding", () => {
  for (const lengths of LENGTHS) {
    const [chosen, rejected] = lengths;
    const least = bound(chosen) + bound(rejected);
    for (const [part, isBeyond] of AROUND) {
      // The difference of these is exact: one is about half the other.
      const margin = warning(lengths, [-least, -least * (1 + part)]);
      strictEqual(margin !== null, isBeyond, `margin ${lengths} ${part}`);
      const fallen = -part * bound(chosen);
      const loss = warning(lengths, [fallen, fallen - 2 * least]);
      strictEqual(loss !== null, isBeyond, `chosen ${lengths} ${part}`);
      strictEqual(warning(lengths, [-fallen, -fallen - 2 * least]), null);
      strictEqual(warning(lengths, [fallen, fallen + 2 * least]), null);
    }
  }
});

Deno.test("an accuracy is told exactly where the margin is beyond rounding, at any scale", () => {
  const metrics = { step: 1, loss: 0.7, gradNorm: 2 };
  for (const [chosen, rejected] of LENGTHS) {
    for (const scale of [0.01, 0.1, 1, 2.5]) {
      const least = scale * (bound(chosen) + bound(rejected));
      for (const [part, isBeyond] of [...AROUND, [0, false] as const]) {
        for (const margin of [part * least, -part * least]) {
          const line = headline({
            ...metrics,
            "rewards/margins": margin,
            "rewards/accuracies": 0.4,
            "lengths/chosen": chosen,
            "lengths/rejected": rejected,
          }, scale);
          const given = `${chosen} ${rejected} ${scale} ${part}`;
          strictEqual("rewards/accuracies" in line, isBeyond, given);
        }
      }
    }
  }
});

Deno.test("a progress line has an accuracy where the margin is beyond rounding", () => {
  const metrics = {
    step: 1,
    loss: 0.7,
    gradNorm: 2,
    "rewards/accuracies": 0.4,
  };
  const lengths = { "lengths/chosen": 20, "lengths/rejected": 30 };
  const namesAt = (margin: number) =>
    Object.keys(
      headline({ ...metrics, ...lengths, "rewards/margins": margin }, 0.1),
    );
  // 0.1 · 10⁻⁴ · (21 + 31), in rewards of β 0.1.
  for (const margin of [0, 5e-4, -5e-4]) {
    deepStrictEqual(namesAt(margin), ["loss", "gradNorm", "rewards/margins"]);
  }
  for (const margin of [6e-4, -6e-4]) {
    strictEqual(namesAt(margin).at(-1), "rewards/accuracies");
  }
});

Deno.test("a note on data says how many rows were cut or left out by default, and why", async () => {
  const row = (prompt: number, chosen: number, rejected: number) => ({
    "prompt_ids": Array(prompt).fill(1),
    "chosen_ids": Array(chosen).fill(2),
    "rejected_ids": Array(rejected).fill(3),
  });
  const rows = [row(2, 2, 1), row(3, 4, 1), row(5, 1, 1), row(1, 1, 0)];
  const { description, ...data } = await loadExamples({ name: "made", rows }, {
    ...{ role: "train", tokenizer: null, vocabularySize: 4, maxLength: 5 },
  });
  strictEqual(
    dataNote({ ...data, description }),
    "made: 2 examples of 4 rows, 1 truncated, " +
      "2 dropped (1 for an empty completion, 1 for a long prompt)",
  );
  const { longPrompt, emptyCompletion, longCompletion } = description.counts;
  deepStrictEqual([longPrompt, emptyCompletion, longCompletion], [
    1,
    1,
    undefined,
  ]);
});
