import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import {
  drawFeeds,
  drawnTokens,
  isPlain,
  readDrawn,
} from "lib/models/generate/draw.ts";
import { sampler } from "lib/models/generate/sample_token.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../../assert_close.ts";

/** Draws by a graph, a row for each uniform number. */
async function drawn(
  rows: readonly (readonly number[])[],
  draw: Parameters<typeof drawFeeds>[0],
) {
  const columns = rows[0]!.length;
  const graph = new Graph();
  const logits = graph.input("logits", ["S", columns]);
  const program = await compile({ y: drawnTokens(graph, logits) });
  const data = Float32Array.from(rows.flat());
  const shape = [rows.length, columns];
  const { y } = await program.run({
    logits: { data, shape },
    ...drawFeeds(draw),
  });
  await program.release();
  return readDrawn(hostData(y), draw);
}

Deno.test("without a temperature, or with almost none, a graph takes the likeliest token for sure", async () => {
  const rows = [[0, 5, 0, 5], [1, 2, 4, 3]];
  const uniforms = [0.9, 0.9];
  const found = await drawn(rows, { uniforms, temperature: 0 });
  const chosen = found.map(({ id, samplingLogProb }) => [id, samplingLogProb]);
  deepStrictEqual(chosen, [[1, 0], [2, 0]]);
  const [, cold] = await drawn(rows, { uniforms, temperature: 1e-40 });
  deepStrictEqual([cold!.id, cold!.samplingLogProb], [2, 0]);
});

const UNIFORMS = [0, 1e-9, 0.1, 0.25, 0.5, 0.7, 0.9, 0.999, 1 - 1e-5];

for (const columns of [1, 2, 11, 16, 103]) {
  Deno.test(`a graph draws what the sampler draws from ${columns} tokens`, async () => {
    const rng = new Rng(columns);
    const rows = UNIFORMS.map(() =>
      Array.from({ length: columns }, () => Math.fround(3 * rng.normal()))
    );
    // Tokens that cannot be drawn, at both ends where there are others.
    for (const row of columns > 2 ? rows : []) {
      row[0] = row[columns - 1] = -Infinity;
    }
    for (const temperature of [0, 0.5, 1, 20]) {
      const sample = sampler({ temperature });
      const expected = rows.map((row, i) =>
        sample(row, { seen: [], uniform: () => UNIFORMS[i]! })
      );
      const draw = { uniforms: UNIFORMS, temperature };
      const found = await drawn(rows, draw);
      deepStrictEqual(found.map(({ id }) => id), expected.map(({ id }) => id));
      for (const kind of ["logProb", "samplingLogProb"] as const) {
        const [list, wanted] = [found, expected].map((all) =>
          all.map((one) => one[kind])
        );
        assertClose(list!, wanted!, { tolerance: 2e-6, what: kind });
      }
    }
  });
}

Deno.test("a number next to 1 draws no token without probability", async () => {
  const rng = new Rng("ends");
  const rows = Array.from(
    { length: 40 },
    () => Array.from({ length: 90 }, () => 2 * rng.normal()),
  );
  for (const row of rows) row.fill(-Infinity, 70 + rng.integer(20));
  const uniforms = rows.map(() => 1 - 2 ** -53);
  const found = await drawn(rows, { uniforms, temperature: 1 });
  for (const [i, { id, samplingLogProb }] of found.entries()) {
    ok(rows[i]![id]! > -Infinity && samplingLogProb > -30, `row ${i}: ${id}`);
  }
});

Deno.test("a graph takes the first of tokens that are equally likely", async () => {
  const rows = [[1, 3, 3, 2], [5, 5, 5, 5]];
  const found = await drawn(rows, { uniforms: [0.9, 0.9], temperature: 0 });
  deepStrictEqual(found.map(({ id }) => id), [1, 0]);
});

Deno.test("logits that are not finite are refused", async () => {
  const draw = { uniforms: [0.5, 0.5], temperature: 1 };
  for (const bad of [NaN, Infinity]) {
    await rejects(drawn([[1, 2], [bad, 1]], draw), {
      name: "RangeError",
      message: "Cannot choose a token: row 1 of the logits is not finite",
    });
  }
});

Deno.test("a graph draws from all tokens only", () => {
  deepStrictEqual(
    [
      ...[{}, { temperature: 0 }, { topK: 0, topP: 1, minP: 0 }],
      ...[{ topK: 5 }, { topP: 0.9 }, { minP: 0.1 }, { repetitionPenalty: 2 }],
    ].map(isPlain),
    [true, true, true, false, false, false, false],
  );
});
