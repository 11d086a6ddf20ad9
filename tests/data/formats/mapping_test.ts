import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { DataChecks } from "lib/data/analyse/checks.ts";
import { findFormat } from "lib/data/formats/registry.ts";
import { openRows } from "lib/data/open_rows.ts";
import { Rng } from "lib/rng.ts";
import { assistant, type Fields, read, user } from "../format_cases.ts";

/** The answers of rows that a mapping reads, best first. */
async function answers(rows: Fields[], format: string) {
  const found = (await read(rows, { format })).rows;
  return found.map(({ completions }) =>
    (completions as ReturnType<typeof user>[][])
      .map((turns) => turns.at(-1)!.content)
  );
}

const VERDICTS: [string, string, unknown[], unknown[]][] = [
  ["1", "2", [1, "1", 1.0, "1.0", " 1 "], [2, "2"]],
  ["0", "1", [0, "0"], [1]],
  ["model_a", "model_b", ["model_a", "Model_A"], ["model_b"]],
  ["A|x", "B|y", ["A", "x"], ["B", "y"]],
  ["<0", ">0", [-3, "-0.5"], [2, "1"]],
  ["true", "false", [true, "True"], [false]],
];

for (const [aWins, bWins, forA, forB] of VERDICTS) {
  Deno.test(`a mapping takes the verdicts ${aWins} and ${bWins} by value`, async () => {
    const format = `prompt=q; a=left; b=right; verdict=best; ` +
      `a-wins=${aWins}; b-wins=${bWins}`;
    const rows = (values: unknown[]) =>
      values.map((best) => ({ q: "Q", left: "L", right: "R", best }));
    deepStrictEqual(
      await answers(rows(forA), format),
      forA.map(() => ["L", "R"]),
    );
    deepStrictEqual(
      await answers(rows(forB), format),
      forB.map(() => ["R", "L"]),
    );
    const location = { name: "d.jsonl", rows: rows([...forA, "neither"]) };
    await using reader = await openRows(location, { format });
    await Array.fromAsync(reader.rows());
    deepStrictEqual(reader.notes.ties, 1);
  });
}

Deno.test("a mapping ranks by scores or by ranks, and of two by the higher score", async () => {
  const rng = new Rng(1);
  for (let i = 0; i < 50; i++) {
    const order = rng.shuffle([0, 1, 2, 3]);
    const texts = order.map((n) => `answer ${n}`);
    const best = ["answer 3", "answer 2", "answer 1", "answer 0"];
    const rows = [{
      q: "Q",
      list: texts,
      points: order,
      places: order.map((n) => 4 - n),
      items: order.map((n) => ({ said: { text: `answer ${n}` }, points: n })),
      x: texts[0],
      y: texts[1],
      "x-score": order[0],
      "y-score": order[1],
    }];
    const mappings = [
      "prompt=q; answers=list; scores=points",
      "prompt=q; answers=list; ranks=places",
      "prompt=q; answers=items.said.text; scores=items.points",
    ];
    for (const mapping of mappings) {
      deepStrictEqual(await answers(rows, mapping), [best]);
    }
    const [pair] = await answers(
      rows,
      "prompt=q,a=x,b=y,a-score=x-score,b-score=y-score",
    );
    deepStrictEqual(pair, texts.slice(0, 2).sort().reverse());
  }
});

Deno.test("a mapping reads labelled answers by the label's values", async () => {
  const format =
    "prompt=q; completion=text; label=vote; desirable=up; undesirable=down";
  const rows = ["up", "down", "none"].map((vote) => ({
    q: "Q",
    text: "T",
    vote,
  }));
  const { kind, rows: found } = await read(rows, { format });
  deepStrictEqual(kind, "labels");
  deepStrictEqual(found.map(({ label }) => label), [true, false]);
});

Deno.test("a mapping takes a repeated prompt off, and parts of columns", async () => {
  const prompt = [user("Hi")];
  const row = {
    about: { title: "T", turns: prompt },
    good: [...prompt, assistant("A")],
    bad: assistant("B"),
  };
  const { rows: [found] } = await read(
    [{ ...row, bad: [...prompt, row.bad] }],
    {
      format: "prompt=about.turns; chosen=good; rejected=bad",
    },
  );
  deepStrictEqual(found?.prompt, prompt);
  deepStrictEqual(found.completions, [[assistant("A")], [assistant("B")]]);
});

Deno.test("a mapping takes rows without a verdict, or without both scores, for ties", async () => {
  const decided = { q: "Q", x: "X", y: "Y", best: "x", n: 2, m: 1 };
  const mappings = {
    best: "prompt=q; a=x; b=y; verdict=best; a-wins=x; b-wins=y",
    n: "prompt=q; a=x; b=y; a-score=n; b-score=m",
    m: "prompt=q; a=x; b=y; a-score=n; b-score=m",
  };
  for (const [column, format] of Object.entries(mappings)) {
    const missing = [null, NaN, "", " ", "None", "nan"]
      .map((value) => ({ ...decided, [column]: value }));
    const rows = [decided, ...missing, decided];
    await using reader = await openRows({ name: "d", rows }, { format });
    deepStrictEqual((await Array.fromAsync(reader.rows())).length, 2);
    deepStrictEqual(reader.notes.ties, missing.length);
  }
});

Deno.test("verdicts that a format knows for neither answer are named and counted", async () => {
  const answers = { prompt: "Q", ["response_a"]: "A", ["response_b"]: "B" };
  const rowsOf = (verdicts: unknown[]) =>
    verdicts.map((preference) => ({ ...answers, preference }));
  await rejects(read(rowsOf([1, 2, 1])), {
    message:
      /except 3 ties, .* for neither answer: preference 1 \(2\), preference 2 \(1\)$/,
  });
  await rejects(read(rowsOf([null]), { format: "two-responses" }), {
    message: /found none except 1 tie$/,
  });
  const many = Array.from({ length: 30 }, (_, i) => `v${i}`);
  const rows = rowsOf(["a", "tie", ...many, null, "tie", "B"]);
  await using reader = await openRows({ name: "d", rows });
  const checks = new DataChecks(reader, { tokenizing: null });
  for await (const row of reader.rows()) checks.add(row);
  const { ties, verdicts } = reader.notes;
  strictEqual(ties, 33);
  deepStrictEqual([...verdicts].slice(0, 2), [
    ['preference "tie"', 2],
    ['preference "v0"', 1],
  ]);
  strictEqual(verdicts.size, 10);
  const { places } = checks.findings()
    .find(({ check }) => check === "ties left out")!;
  strictEqual(places[0], 'preference "tie" (2)');
});

Deno.test("a mapping with an unknown or a missing part is refused with what would do", () => {
  throws(() => findFormat("prompt=q; good=a"), {
    message: /expected PART=COLUMN; … with the parts prompt, .*found "good=a"/,
  });
  throws(() => findFormat("prompt=q; a=x; b=y"), {
    message:
      /expected the parts of a mapping, prompt, answers; or a, b, verdict/,
  });
});

Deno.test("a mapping names the columns that a row lacks", async () => {
  const format = "prompt=q; chosen=good; rejected=bad";
  await rejects(read([{ q: "Q", good: "A" }], { format }), {
    message:
      'Cannot read d.jsonl, row 1: no "bad"; expected the columns q, good, ' +
      "bad in every row (format prompt=q; chosen=good; rejected=bad)",
  });
  await rejects(
    read([{ q: "Q", good: "A", bad: "B", best: 3 }], {
      format: "prompt=q; a=good; b=bad; verdict=best; a-wins=1; b-wins=2",
    }),
    {
      message: "Cannot use d.jsonl: expected rows that can be read, found " +
        "none except 1 tie, with verdicts that the format knows for neither " +
        "answer: best 3 (1)",
    },
  );
});

Deno.test("an unknown layout names the nearest known set, and how to write a mapping", async () => {
  const row = {
    history: "Q",
    ["human_ref_A"]: "A",
    ["human_ref_B"]: "B",
    best: 1,
  };
  await rejects(read([row]), {
    message:
      /the nearest known set is shp \("prompt=history; .*"\), of which it lacks labels; --format "prompt=COLUMN; chosen=COLUMN;/,
  });
});
