import { deepEqual, equal } from "node:assert/strict";
import { FRONTIER } from "experiments/frontier/experiment.ts";
import { readRuns, storedSettings } from "lib/experiment/records.ts";
import { collectRuns } from "lib/experiment/summary.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { checkout } from "../places.ts";

const RESULTS = checkout("results/frontier");

function read(name: string): string {
  return canonicalJson(JSON.parse(Deno.readTextFileSync(`${RESULTS}/${name}`)));
}

Deno.test("the committed summary and figure are those of the committed records", async () => {
  const { full, schema } = FRONTIER.settings;
  const runs = await readRuns(RESULTS);
  const summary = FRONTIER.summarize(collectRuns(runs, schema));
  equal(canonicalJson(summary), read("summary.json"));
  equal(canonicalJson(FRONTIER.figure(summary)), read("figure.json"));
  for (const { record } of runs) {
    deepEqual(storedSettings(record, schema).settings, full, record.name);
  }
});
