import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  type Cause,
  compareRuns,
  type RunComparison,
} from "lib/record/compare_runs.ts";
import { readMetrics } from "lib/record/metrics.ts";
import {
  readRecord,
  type RecordedRun,
  type RunRecord,
} from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { checkout } from "../places.ts";

const FOLDER = checkout("results/smollm2-dpo");
const RUN: RecordedRun = {
  record: await readRecord(`${FOLDER}/run.json`),
  rows: readMetrics(`${FOLDER}/metrics.jsonl`),
};

const withRecord = (changes: Partial<RunRecord>): RecordedRun => ({
  ...RUN,
  record: { ...RUN.record, ...changes },
});

/** The run with every loss off by a share of itself from a row on. */
const withLosses = (share: number, from = 0): RecordedRun => ({
  ...RUN,
  rows: RUN.rows.map((row, i) =>
    i < from ? row : { ...row, loss: Number(row["loss"]) * (1 + share) }
  ),
});

const kinds = ({ causes }: RunComparison) =>
  Object.entries(causes).filter(([, found]) => found.length > 0)
    .map(([cause]) => cause);

Deno.test("compareRuns() passes over time, speed and memory alone", () => {
  const { timings, environment } = RUN.record;
  const found = compareRuns(RUN, {
    record: {
      ...RUN.record,
      timings: { ...timings, seconds: 1 },
      peakMemoryBytes: 1,
      environment: { ...environment, memoryBytes: 1 },
      artifacts: {
        ...RUN.record.artifacts,
        "metrics.jsonl": sha256("other"),
        "adapter/adapter_config.json": sha256("other"),
      },
    },
    rows: RUN.rows.map((row) => ({ ...row, seconds: 1 })),
  });
  strictEqual(found.verdict, "identical");
  deepStrictEqual(kinds(found), []);
  // Loss, rewards and others of 20 rows, the last of them in the summary too.
  ok(found.numbers > 300, `${found.numbers} numbers`);
});

Deno.test("compareRuns() sorts what differs by kind, and a cause alone is no difference", () => {
  const { environment, model, objective, settings } = RUN.record;
  const changes: Readonly<Record<Cause, Partial<RunRecord>>> = {
    environment: { environment: { ...environment, cpu: "another" } },
    packages: { environment: { ...environment, packages: {} } },
    hashes: { model: { ...model, weights: sha256("other") } },
    settings: { settings: { ...settings, batch: 8 } },
    commit: { provenance: null },
  };
  for (const [cause, change] of Object.entries(changes)) {
    const found = compareRuns(RUN, withRecord(change));
    deepStrictEqual(kinds(found), [cause]);
    strictEqual(found.verdict, "identical", cause);
  }
  const coded = { ...objective!, code: [sha256("one")] };
  const found = compareRuns(
    withRecord({ objective: coded }),
    withRecord({ objective: { ...coded, code: [sha256("other")] } }),
  );
  deepStrictEqual(kinds(found), ["hashes"]);
});

Deno.test("compareRuns() sees one bit, and any file", () => {
  const bit = compareRuns(RUN, withLosses(Number.EPSILON));
  strictEqual(bit.verdict, "different");
  strictEqual(bit.beyond[0]?.path, "/metrics/0/loss");
  const file = compareRuns(RUN, withRecord({ artifacts: {} }));
  strictEqual(file.verdict, "different");
});

Deno.test("a tolerance is a share of the largest number of a name", () => {
  const losses = RUN.rows.map(({ loss }) => Number(loss));
  const other = withLosses(1e-3);
  const largest = Math.max(...losses) * (1 + 1e-3);
  const expected = losses[3]! * 1e-3 / largest;
  const { beyond, results } = compareRuns(RUN, other, { tolerance: 0.0011 });
  deepStrictEqual(beyond, []);
  const share = results.find(({ path }) => path === "/metrics/3/loss")?.share;
  ok(Math.abs(share! - expected) < 1e-12, `${share}, expected ${expected}`);
  strictEqual(
    compareRuns(RUN, other, { tolerance: 0.0011 }).verdict,
    "within",
  );
  strictEqual(
    compareRuns(RUN, other, { tolerance: 0.0009 }).verdict,
    "different",
  );
});

Deno.test("with a tolerance hashes of files may differ, values that are no numbers may not", () => {
  const { summary, artifacts } = RUN.record;
  const files = Object.keys(artifacts).map((name) => [name, sha256("other")]);
  const other = withRecord({ artifacts: Object.fromEntries(files) });
  strictEqual(compareRuns(RUN, other).verdict, "different");
  const options = { tolerance: 0.1 };
  strictEqual(compareRuns(RUN, other, options).verdict, "identical");
  const diagnostics = { displaced: true };
  const flipped = withRecord({ summary: { ...summary, diagnostics } });
  strictEqual(compareRuns(RUN, flipped, options).verdict, "different");
  const fewer = { ...RUN, rows: RUN.rows.slice(0, 19) };
  strictEqual(compareRuns(RUN, fewer, options).verdict, "different");
});

Deno.test("compareRuns() blames the machine for rounding and the inputs for more", () => {
  const { environment, model } = RUN.record;
  const changed = {
    environment: { ...environment, cpu: "another" },
    provenance: null,
    model: { ...model, weights: sha256("other") },
  };
  const likely = (share: number, options = {}) => {
    const other = { ...withRecord(changed), rows: withLosses(share, 2).rows };
    const { likely, isRounding } = compareRuns(RUN, other, options);
    return { likely, isRounding };
  };
  deepStrictEqual(likely(1e-6), { likely: "environment", isRounding: true });
  deepStrictEqual(likely(1e-2), { likely: "hashes", isRounding: false });
  deepStrictEqual(likely(1e-2, { makesInputs: true }), {
    likely: "commit",
    isRounding: false,
  });
  const inHalf = { ...environment, precision: "bfloat16" };
  const [before, after] = [RUN, withLosses(1e-2, 2)].map((run) => ({
    ...run,
    record: { ...run.record, environment: inHalf },
  }));
  ok(compareRuns(before!, after!).isRounding);
  strictEqual(compareRuns(RUN, withLosses(1e-2)).likely, null);
  const { settings } = RUN.record;
  const renamed = withRecord({ settings: { ...settings, model: "elsewhere" } });
  const found = compareRuns(RUN, { ...renamed, rows: withLosses(1e-2).rows });
  deepStrictEqual(kinds(found), ["settings"]);
  strictEqual(found.likely, null);
});

Deno.test("compareRuns() tells what an older program did not record", () => {
  const { objective } = RUN.record;
  const found = compareRuns(
    RUN,
    withRecord({ objective: { ...objective!, rewardScale: 0.1 } }),
  );
  deepStrictEqual(found.added, ["/objective/rewardScale"]);
  strictEqual(found.verdict, "identical");
});
