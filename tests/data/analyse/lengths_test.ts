import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  lengthBiasFinding,
  lengthCollector,
  prefixFinding,
} from "lib/data/analyse/lengths.ts";
import { conversation, labelled, pair } from "./rows.ts";

Deno.test("without a tokenizer lengths are characters", () => {
  const lengths = lengthCollector("pairs");
  lengths.add(pair("four", ["one", "fives"]));
  lengths.add(conversation(["system: ab", "user: cd"], ["ef", "g"]));
  deepStrictEqual(lengths.lengths(), {
    unit: "characters",
    prompts: [4, 4],
    better: [3, 2],
    worse: [5, 1],
  });
});

Deno.test("with ids lengths are tokens", () => {
  const lengths = lengthCollector("labels");
  const example = {
    prompt: [1, 2],
    completions: [[3, 4, 5]],
  };
  lengths.add(labelled("four", "x", false), example);
  deepStrictEqual(lengths.lengths(), {
    unit: "tokens",
    prompts: [2],
    better: [],
    worse: [3],
  });
});

Deno.test("the bias of pairs is length and value less their means in the row", () => {
  const lengths = lengthCollector("pairs");
  lengths.add(pair("q", ["long one", "four"]));
  lengths.add(pair("q", ["same", "size"]));
  deepStrictEqual(lengths.bias(), {
    longerChosen: 1,
    compared: 1,
    x: [2, -2, 0, 0],
    y: [0.5, -0.5, 0.5, -0.5],
  });
});

Deno.test("scores weigh how much better a completion is", () => {
  const lengths = lengthCollector("ranks");
  lengths.add(pair("q", ["a", "bb", "ccc"], { ratings: [9, 1, 2] }));
  deepStrictEqual(lengths.bias().y, [5, -3, -2]);
});

Deno.test("a bias is worth a look from six of ten rows on", () => {
  // They agree in 10 of 16 rows: r = (10 − 6) / 16.
  const x = [1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1];
  const y = [1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1];
  const finding = (longerChosen: number) =>
    lengthBiasFinding({ longerChosen, compared: 100, x, y }, "tokens");
  strictEqual(finding(60).verdict, "ok");
  strictEqual(finding(61).verdict, "look");
  strictEqual(finding(39).verdict, "look");
  match(
    finding(61).says,
    /61\.0 % of 100 rows; correlation of tokens with being preferred 0\.25$/,
  );
});

Deno.test("common beginnings are measured in characters or tokens", () => {
  const lengths = lengthCollector("pairs");
  lengths.add(pair("q", ["The sky is blue.", "The sky is black."]));
  lengths.add(pair("q", ["Yes.", "No."]));
  lengths.add(pair("q", ["same", "same"]));
  deepStrictEqual(lengths.prefixes(), { rows: 3, lengths: [13, 4], mostly: 2 });
  const example = {
    prompt: [1],
    completions: [[2, 3, 4, 5], [2, 9, 9, 9]],
  };
  const tokens = lengthCollector("pairs");
  tokens.add(pair("q", ["x", "y"]), example);
  deepStrictEqual(tokens.prefixes(), { rows: 1, lengths: [1], mostly: 0 });
});

Deno.test("answers that are mostly common are worth a look", () => {
  const finding = (mostly: number) =>
    prefixFinding({ rows: 100, lengths: [1, 2], mostly }, "tokens");
  strictEqual(finding(10).verdict, "ok");
  strictEqual(finding(11).verdict, "look");
  match(finding(11).says, /at the median with 1\.5 tokens/);
});
