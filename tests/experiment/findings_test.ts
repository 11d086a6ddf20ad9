import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Finding } from "lib/experiment/claim.ts";
import {
  figureFindings,
  findingsTable,
  measuredText,
} from "lib/experiment/findings.ts";

const FINDING: Finding = {
  id: "a",
  source: { title: "KTO, section 4", url: "https://example.org" },
  statement: "KTO is better.",
  reported: "0.05",
  contrast: "KTO − DPO",
  unit: "nats",
  delta: 0.1,
  verdict: "shown",
  reason: "It is.",
  estimate: 0.2949,
  low: 0.1,
  high: 0.5,
  n: { unit: "draw", count: 20, seeds: 3 },
  p: 0.004,
  pAdjusted: 0.0123,
  values: [],
  checks: [],
};

Deno.test("findingsTable() has a row for each claim", () => {
  const table = findingsTable(
    figureFindings([FINDING, { ...FINDING, reported: "" }]),
  );
  deepStrictEqual(table.columns, [
    ...["claim", "source", "reported", "here", "verdict"],
  ]);
  deepStrictEqual(table.rows[0], [
    "KTO is better.",
    "KTO, section 4",
    "0.05",
    "0.29 nats [0.10, 0.50], 20 draws × 3 seeds, p 0.012",
    "shown",
  ]);
  strictEqual(table.rows[1]![2], null);
});

Deno.test("figureFindings() gives a page the reasons too", () => {
  deepStrictEqual(figureFindings([FINDING]), [{
    claim: "KTO is better.",
    source: "KTO, section 4",
    url: "https://example.org",
    reported: "0.05",
    found: "0.29 nats [0.10, 0.50], 20 draws × 3 seeds, p 0.012",
    verdict: "shown",
    why: "It is.",
  }]);
});

Deno.test("measuredText() says how well an effect is known", () => {
  const text = (parts: Partial<Finding>) =>
    measuredText({ ...FINDING, ...parts });
  strictEqual(text({ n: null, p: null, pAdjusted: null }), "0.29 nats, exact");
  strictEqual(
    text({ low: null, high: null, n: { unit: "draw", count: 1, seeds: 3 } }),
    "0.29 nats, 1 draw × 3 seeds",
  );
  strictEqual(
    text({ n: { unit: "prompt", count: 500, seeds: 1 }, pAdjusted: 0.00002 }),
    "0.29 nats [0.10, 0.50], 500 prompts, p < 0.001",
  );
  strictEqual(text({ estimate: null, low: null, high: null }), "no value");
  strictEqual(text({ unit: "", n: null }), "0.29, exact");
  strictEqual(text({ estimate: 0.0123, n: null }), "0.012 nats, exact");
  strictEqual(text({ estimate: -0.0001, n: null }), "0.000 nats, exact");
});
