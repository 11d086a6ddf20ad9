import { deepStrictEqual } from "node:assert/strict";
import { overviewCounter } from "lib/data/analyse/classes.ts";
import { conversation, pair } from "./rows.ts";

Deno.test("rows are counted by what they are made of", () => {
  const counter = overviewCounter();
  counter.add(pair("q", ["a", "b"], { agreement: 1 }));
  counter.add(pair("q", ["a", "b", "c"], { ratings: [3, 2, 1] }));
  counter.add(conversation(["system: s", "user: u"], ["a", "b"]));
  const { forms, completions, turns, roles, ...counts } = counter.overview();
  deepStrictEqual(counts, {
    rows: 3,
    system: 1,
    tools: 0,
    scores: 1,
    agreement: 1,
  });
  deepStrictEqual(Object.fromEntries(forms), { text: 2, chat: 1 });
  deepStrictEqual(Object.fromEntries(completions), { 2: 2, 3: 1 });
  deepStrictEqual(Object.fromEntries(turns), { 2: 1 });
  deepStrictEqual(Object.fromEntries(roles), {
    system: 1,
    user: 1,
    assistant: 2,
  });
});
