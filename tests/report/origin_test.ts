import { equal } from "node:assert/strict";
import { listed, originOf } from "lib/report/origin.ts";
import { readRecord } from "lib/record/record.ts";
import { checkout } from "../places.ts";

Deno.test("names are listed once, and the others counted", () => {
  equal(listed([]), "");
  equal(listed(["a", "a"]), "a");
  equal(listed(["a", "b"]), "a, and 1 other");
  equal(listed(["a", "b", "c", "d", "e"], 3), "a; b; c, and 2 others");
});

Deno.test("the origin of results is that of all their records", async () => {
  const record = await readRecord(checkout("results/smollm2-dpo/run.json"));
  const { commit } = record.provenance!;
  const later = {
    ...record,
    provenance: { commit, dirty: true },
    timings: {
      ...{ startedAt: "2030-01-02T00:00:00Z", phases: {} },
      seconds: 7200 - record.timings.seconds,
    },
  };
  const { facts, settings } = originOf([later, record], "results/x");
  const origin = new Map(facts);
  equal(origin.get("made again by"), "deno task reproduce results/x");
  equal(origin.get("commit"), `${commit}, changed; ${commit}`);
  const first = record.timings.startedAt.slice(0, 10);
  equal(origin.get("time"), `2 hours, begun ${first} to 2030-01-02`);
  equal(JSON.parse(settings).loss, "dpo");
});
