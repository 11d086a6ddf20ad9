import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { TokenRow } from "lib/data/example.ts";
import { cachedReference } from "lib/train/reference.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const ROWS: readonly TokenRow[] = [
  { prompt: [1, 2], completions: [[3], [4, 5]] },
  { prompt: [1, 2], completions: [[4, 5], [3]] },
  { prompt: [6], completions: [[3]] },
];

/** A scorer that counts the rows it was given. */
function counting(value = -1) {
  const counts: number[] = [];
  const score = (rows: readonly TokenRow[]) => {
    counts.push(rows.length);
    return Promise.resolve(
      rows.map(({ completions }) =>
        completions.map(({ length }) => value * length)
      ),
    );
  };
  return { counts, score };
}

Deno.test("cachedReference() scores distinct rows once, and reads them afterwards", async () => {
  using cache = temporaryFolder();
  const options = { folder: join(cache.path, "new"), identity: { a: 1 } };
  const { counts, score } = counting();
  for (let i = 0; i < 2; i++) {
    const reference = await cachedReference(ROWS, score, options);
    deepStrictEqual(ROWS.map((row) => reference.logProbs(row)), [
      [-1, -2],
      [-2, -1],
      [-1],
    ]);
  }
  deepStrictEqual(counts, [2]);
});

Deno.test("cachedReference() computes anew for other rows, for another model, and after damage", async () => {
  using cache = temporaryFolder();
  const folder = cache.path;
  const { counts, score } = counting();
  const read = (rows: readonly TokenRow[], identity: { a: number }) =>
    cachedReference(rows, score, { folder, identity });
  await read(ROWS, { a: 1 });
  await read(ROWS.slice(1), { a: 1 });
  await read(ROWS, { a: 2 });
  strictEqual(counts.length, 3);
  const files = await Array.fromAsync(Deno.readDir(folder));
  for (const damage of ["{", '{"logProbs":[[-1],[-1]]}', "{}"]) {
    for (const { name } of files) {
      await Deno.writeTextFile(join(folder, name), damage);
    }
    const reference = await read(ROWS, { a: 1 });
    deepStrictEqual(reference.logProbs(ROWS[0]!), [-1, -2]);
  }
  strictEqual(counts.length, 6);
});

Deno.test("cachedReference() keeps nothing that is not finite", async () => {
  using cache = temporaryFolder();
  const options = { folder: cache.path, identity: {} };
  await rejects(cachedReference(ROWS, counting(Infinity).score, options), {
    name: "RangeError",
    message: /log-probability Infinity, expected finite numbers/,
  });
  deepStrictEqual([...Deno.readDirSync(cache.path)], []);
});
