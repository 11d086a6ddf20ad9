import { deepStrictEqual } from "node:assert/strict";
import { differences } from "lib/record/differences.ts";

Deno.test("differences() names every place, absence included", () => {
  const before = {
    seeds: { init: 0, order: 0 },
    rows: [{ loss: 0.5 }, { loss: 0.25 }],
  };
  const after = { seeds: { init: 1 }, rows: [{ loss: 0.5 }], extra: null };
  deepStrictEqual(differences(before, after), [
    { path: "/seeds/init", before: 0, after: 1 },
    { path: "/seeds/order", before: 0, after: undefined },
    { path: "/rows/1", before: { loss: 0.25 }, after: undefined },
    { path: "/extra", before: undefined, after: null },
  ]);
});

Deno.test("differences() compares numbers bit for bit", () => {
  deepStrictEqual(differences([0.1 + 0.2], [0.3]), [
    { path: "/0", before: 0.1 + 0.2, after: 0.3 },
  ]);
  deepStrictEqual(
    differences({ a: [1, "x", null] }, { a: [1, "x", null] }),
    [],
  );
});

Deno.test("differences() tells containers from one another and from null", () => {
  deepStrictEqual(differences({ a: [] }, { a: {} }).length, 1);
  deepStrictEqual(differences({ a: {} }, { a: null }).length, 1);
});

Deno.test("differences() passes over what the same run changes", () => {
  const run = (seconds: number) => ({
    timings: { seconds },
    peakMemoryBytes: seconds,
    environment: { cpu: `${seconds}` },
    provenance: { commit: `${seconds}` },
    artifacts: { "metrics.jsonl": `${seconds}`, "model.safetensors": "same" },
    metrics: [{ step: 1, seconds }],
  });
  deepStrictEqual(differences(run(1), run(2)), []);
  deepStrictEqual(
    differences(run(1), run(2), {
      ignore: ["environment", "artifacts", "metrics"],
    })
      .map(({ path }) => path),
    ["/timings/seconds", "/peakMemoryBytes", "/provenance/commit"],
  );
});
