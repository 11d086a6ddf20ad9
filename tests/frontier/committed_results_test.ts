import { deepEqual, equal } from "node:assert/strict";
import { frontierFigure } from "experiments/frontier/figure.ts";
import { readRuns } from "experiments/frontier/records.ts";
import { FULL } from "experiments/frontier/settings.ts";
import { storedSettings } from "experiments/frontier/stored_settings.ts";
import { summarize } from "experiments/frontier/summary.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { checkout } from "../places.ts";

const RESULTS = checkout("results/frontier");

function read(name: string): string {
  return canonicalJson(JSON.parse(Deno.readTextFileSync(`${RESULTS}/${name}`)));
}

Deno.test("the committed summary and figure are those of the committed records", async () => {
  const runs = await readRuns(RESULTS);
  const summary = summarize(runs);
  equal(canonicalJson(summary), read("summary.json"));
  equal(canonicalJson(frontierFigure(summary)), read("figure.json"));
  for (const { record } of runs) {
    deepEqual(storedSettings(record).settings, {
      ...FULL,
    }, record.name);
  }
});
