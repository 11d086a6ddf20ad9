import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { TokenRow } from "lib/data/example.ts";
import { Rng } from "lib/rng.ts";
import type { ComputeLogProbs } from "lib/train/reference.ts";
import { cachedReference } from "lib/train/reference_cache.ts";
import { onEveryRank } from "../distributed/local_groups.ts";
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

const MANY: readonly TokenRow[] = Array.from({ length: 9 }, (_, i) => ({
  prompt: [i],
  completions: i % 2 ? [[1]] : [[2], [3, 4]],
}));
const valuesOf = ({ prompt, completions }: TokenRow) =>
  completions.map((ids) => -prompt[0]! - ids.length / 8);

/** Computes two rows at a time, and breaks off after some parts. */
function inParts(parts = Infinity) {
  const seen: number[] = [];
  const compute: ComputeLogProbs = (rows, options) => {
    for (let at = 0; at < rows.length; at += 2) {
      if (at / 2 >= parts) return Promise.reject(new Error("broken off"));
      const part = rows.slice(at, at + 2);
      seen.push(...part.map(({ prompt }) => prompt[0]!));
      options?.onPart?.(part.map(valuesOf));
    }
    return Promise.resolve(rows.map(valuesOf));
  };
  return { seen, compute };
}

const namesIn = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("an interrupted computation of the reference goes on where it was", async () => {
  using cache = temporaryFolder();
  const options = { folder: cache.path, identity: {} };
  for (const parts of [1, 2]) {
    const { compute } = inParts(parts);
    await rejects(cachedReference(MANY, compute, options), /broken off/);
  }
  const { seen, compute } = inParts();
  const reference = await cachedReference(MANY, compute, options);
  deepStrictEqual(seen, [6, 7, 8]);
  deepStrictEqual(
    MANY.map((row) => reference.logProbs(row)),
    MANY.map(valuesOf),
  );
  strictEqual(namesIn(cache.path).length, 1);
});

Deno.test("ranks go on together with what the first one finds in its cache", async () => {
  using cache = temporaryFolder();
  const begun = { folder: cache.path, identity: {} };
  await rejects(cachedReference(MANY, inParts(2).compute, begun));
  const onRanks = () =>
    onEveryRank(3, async (group) => {
      const { seen, compute } = inParts();
      // Another machine's, which is not there.
      const folder = group.rank === 0 ? cache.path : join(cache.path, "away");
      const options = { folder, identity: {}, group };
      const reference = await cachedReference(MANY, compute, options);
      return { seen, known: MANY.map((row) => reference.logProbs(row)) };
    });
  const known = MANY.map(valuesOf);
  const seen = [4, 5, 6, 7, 8];
  deepStrictEqual(await onRanks(), Array(3).fill({ seen, known }));
  deepStrictEqual(await onRanks(), Array(3).fill({ seen: [], known }));
  strictEqual(namesIn(cache.path).length, 1);
});

Deno.test("parts that a killed process left beside the whole are removed", async () => {
  using cache = temporaryFolder();
  const options = { folder: cache.path, identity: {} };
  const { compute } = inParts();
  await cachedReference(MANY, compute, options);
  const [whole] = namesIn(cache.path);
  await Deno.writeTextFile(join(cache.path, `${whole}l`), "");
  await cachedReference(MANY, compute, options);
  deepStrictEqual(namesIn(cache.path), [whole]);
});

Deno.test("damage to the parts of a reference costs time and nothing else", async () => {
  const rng = new Rng("damage");
  for (let i = 0; i < 50; i++) {
    using cache = temporaryFolder();
    const options = { folder: cache.path, identity: {} };
    await rejects(cachedReference(MANY, inParts(4).compute, options));
    const [name] = namesIn(cache.path);
    const path = join(cache.path, name!);
    const text = await Deno.readTextFile(path);
    const [a, b] = [rng.integer(text.length), rng.integer(text.length)];
    const damaged = [
      text.slice(0, a),
      text.slice(0, a) + text.slice(b),
      text.slice(0, a) + "\n" + text,
      text + text,
      text.slice(0, a) + "x" + text.slice(a),
      text.split("\n").toReversed().join("\n"),
    ][i % 6]!;
    await Deno.writeTextFile(path, damaged);
    const reference = await cachedReference(MANY, inParts().compute, options);
    deepStrictEqual(
      MANY.map((row) => reference.logProbs(row)),
      MANY.map(valuesOf),
    );
  }
});

Deno.test("a cache that cannot be written is a note", async () => {
  using cache = temporaryFolder();
  const file = join(cache.path, "file");
  await Deno.writeTextFile(file, "");
  const notes: string[] = [];
  const reference = await cachedReference(MANY, inParts().compute, {
    folder: join(file, "below"),
    identity: {},
    onNote: (text) => notes.push(text),
  });
  deepStrictEqual(reference.logProbs(MANY[1]!), valuesOf(MANY[1]!));
  strictEqual(notes.length > 0, true);
});
