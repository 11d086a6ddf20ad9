import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { pairLabelled } from "lib/data/convert/pairs.ts";
import { Rng } from "lib/rng.ts";
import { textLabels } from "./preference_rows.ts";

Deno.test("pairLabelled() pairs completions of one prompt, each used once", () => {
  const singles = textLabels([
    ["x", true],
    ["y", false],
    ["x", false],
    ["z", true],
    ["y", true],
    ["x", false],
    ["y", true],
  ]);
  const { rows, counts } = pairLabelled(singles, new Rng(0));
  deepStrictEqual(counts, {
    pairs: 2,
    unusedDesirable: 2,
    unusedUndesirable: 1,
  });
  const [x, y] = rows;
  deepStrictEqual([x!.prompt, y!.prompt], ["x", "y"]);
  strictEqual(x!.completions[0], "answer 0");
  ok(["answer 2", "answer 5"].includes(String(x!.completions[1])));
  ok(["answer 4", "answer 6"].includes(String(y!.completions[0])));
  strictEqual(y!.completions[1], "answer 1");
  ok(rows.every((row) => !("label" in row)));
});

Deno.test("pairLabelled() names both rows", () => {
  const singles = textLabels([["x", false], ["x", true]]);
  deepStrictEqual(pairLabelled(singles, new Rng(0)).rows, [{
    form: "text",
    prompt: "x",
    completions: ["answer 1", "answer 0"],
    location: "labels.jsonl, line 2 and labels.jsonl, line 1",
  }]);
});

Deno.test("pairLabelled() draws by the seed who is paired", () => {
  const singles = textLabels(
    Array.from({ length: 40 }, (_, i) => ["x", i % 2 === 0]),
  );
  const drawn = (seed: number) =>
    pairLabelled(singles, new Rng(seed)).rows.map((row) => row.completions[1]);
  deepStrictEqual(drawn(0), drawn(0));
  deepStrictEqual(drawn(0).toSorted(), drawn(1).toSorted());
  ok(drawn(0).some((completion, i) => completion !== drawn(1)[i]));
});

Deno.test("pairLabelled() tells conversations apart by what they say, and by their tools", () => {
  const said = (content: string, tools?: unknown[]) =>
    [true, false].map((label) => ({
      form: "chat" as const,
      prompt: [{ role: "user", content }],
      completions: [[{ role: "assistant", content: String(label) }]],
      label,
      location: "here",
      ...tools && { tools },
    }));
  const [a, b] = [said("a"), said("b")];
  strictEqual(pairLabelled([...a, ...b], new Rng(0)).counts["pairs"], 2);
  strictEqual(pairLabelled([a[0]!, b[1]!], new Rng(0)).counts["pairs"], 0);
  const c = said("a", [{ name: "clock" }]);
  strictEqual(pairLabelled([a[0]!, c[1]!], new Rng(0)).counts["pairs"], 0);
});
