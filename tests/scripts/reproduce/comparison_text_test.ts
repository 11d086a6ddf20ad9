import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { RunComparison } from "lib/record/compare_runs.ts";
import {
  causeRows,
  type NamedComparison,
  reasonText,
  resultRows,
  runRows,
  runsText,
  sameText,
  verdictText,
} from "../../../scripts/reproduce/comparison_text.ts";

const LOSS = { path: "/metrics/0/loss", before: 0.5, after: 0.4, share: 0.2 };
const FOUND: RunComparison = {
  verdict: "different",
  numbers: 340,
  results: [LOSS],
  beyond: [LOSS],
  causes: {
    environment: [{ path: "/environment/cpu", before: "A", after: "B" }],
    packages: [{
      path: "/environment/packages/ajv",
      before: "8.20.0",
      after: undefined,
    }],
    ...{ hashes: [], settings: [], commit: [] },
  },
  added: [],
  likely: "environment",
  isRounding: false,
};

Deno.test("each difference of the causes has a row with its kind, and the others are named", () => {
  deepStrictEqual(causeRows(FOUND), [
    {
      ...{ differs: "environment", place: "/environment/cpu" },
      ...{ recorded: '"A"', now: '"B"' },
    },
    {
      ...{ differs: "packages", place: "/environment/packages/ajv" },
      ...{ recorded: '"8.20.0"', now: "nothing" },
    },
  ]);
  strictEqual(sameText(FOUND), "As recorded: hashes, settings, commit");
});

Deno.test("the likely reason is one, and rounding is called so", () => {
  match(
    reasonText(FOUND),
    /^Likely reason: another machine .*\(environment\)$/,
  );
  match(
    reasonText({ ...FOUND, isRounding: true }),
    /by no more than rounding$/,
  );
  match(reasonText({ ...FOUND, likely: null }), /^No reason is known/);
});

Deno.test("the verdict counts differences and says how large they are", () => {
  strictEqual(
    verdictText(FOUND, 0),
    "Different: 1 difference, by at most 0.20 of their scale",
  );
  strictEqual(
    verdictText({ ...FOUND, verdict: "within", beyond: [] }, 0.25),
    "Within 0.25: 1 of 340 numbers differ, by at most 0.20 of their scale",
  );
  const same = { ...FOUND, verdict: "identical", results: [] } as const;
  strictEqual(verdictText(same, 0), "Identical, bit for bit");
});

Deno.test("a difference is shown with its share, the first ones only", () => {
  const file = { ...LOSS, path: "/artifacts/a", share: null };
  deepStrictEqual(resultRows({ beyond: [file, LOSS, LOSS] }, 2), [
    { place: "/artifacts/a", recorded: "0.5", again: "0.4", share: "" },
    { place: "/metrics/0/loss", recorded: "0.5", again: "0.4", share: "0.20" },
  ]);
});

Deno.test("runs that are not identical have a row, and one line counts all", () => {
  const same = { ...FOUND, verdict: "identical", results: [] } as const;
  const near = { ...FOUND, verdict: "within", beyond: [] } as const;
  const runs: NamedComparison[] = [["a", same], ["b", near]];
  strictEqual(
    runsText(runs, 0.25),
    "Within 0.25: 2 runs, 1 of them identical",
  );
  runs.push(["c", FOUND]);
  strictEqual(runsText(runs, 0), "Different: 1 of 3 runs");
  const numbers = { differ: "1 of 340", share: 0.2 };
  deepStrictEqual(runRows(runs), [
    { run: "b", verdict: "within", beyond: 0, ...numbers },
    { run: "c", verdict: "different", beyond: 1, ...numbers },
  ]);
  strictEqual(runsText([["a", same]], 0), "Identical, bit for bit: 1 run");
});
