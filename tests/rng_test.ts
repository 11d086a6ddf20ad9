import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import { Rng } from "lib/rng.ts";

Deno.test("Rng draws the published vector of xoshiro128**", () => {
  // State {1, 2, 3, 4} in the authors' C code; also in rand_xoshiro's tests.
  const rng = Rng.from({ key: "", words: [1, 2, 3, 4] });
  deepStrictEqual(Array.from({ length: 10 }, () => rng.uint32()), [
    11520,
    0,
    5927040,
    70819200,
    2031721883,
    1637235492,
    1287239034,
    3734860849,
    3729100597,
    4258142804,
  ]);
});

Deno.test("Rng seeds with the first 128 bits of SHA-256 of the seed's text", () => {
  // printf 0 | sha256sum
  deepStrictEqual(new Rng(0).state().words, [
    0x5feceb66,
    0xffc86f38,
    0xd952786c,
    0x6d696c79,
  ]);
  deepStrictEqual(new Rng("0").state(), new Rng(0).state());
});

Deno.test("Rng.uniform() is uniform in [0, 1)", () => {
  const rng = new Rng("uniform");
  const draws = Array.from({ length: 20_000 }, () => rng.uniform());
  ok(draws.every((u) => u >= 0 && u < 1));
  ok(chiSquare(draws.map((u) => Math.floor(u * 100)), 100) < CHI_SQUARE_99);
});

Deno.test("Rng.uniforms() never rounds up to 1 and takes one word each", () => {
  const extreme = Rng.from({ key: "", words: [1, 2, 3, 4] });
  deepStrictEqual(
    extreme.uniforms(4),
    Float32Array.of(
      (11520 >>> 8) / 2 ** 24,
      0,
      (5927040 >>> 8) / 2 ** 24,
      (70819200 >>> 8) / 2 ** 24,
    ),
  );
  const draws = new Rng("many").uniforms(50_000);
  ok(draws.every((u) => u >= 0 && u < 1));
  const bins = Array.from(draws, (u) => Math.floor(u * 100));
  ok(chiSquare(bins, 100) < CHI_SQUARE_99);
});

Deno.test("Rng.normal() has the moments and the tails of N(0, 1)", () => {
  const rng = new Rng("normal");
  const draws = Array.from({ length: 20_000 }, () => rng.normal());
  const moment = (power: number) => mean(draws.map((x) => x ** power));
  ok(Math.abs(moment(1)) < 4 * Math.sqrt(1 / 20_000));
  ok(Math.abs(moment(2) - 1) < 4 * Math.sqrt(2 / 20_000));
  ok(Math.abs(moment(3)) < 4 * Math.sqrt(15 / 20_000));
  ok(Math.abs(moment(4) - 3) < 4 * Math.sqrt(96 / 20_000));
  const beyond = mean(draws.map((x) => Math.abs(x) > 1.959964 ? 1 : 0));
  ok(Math.abs(beyond - 0.05) < 4 * Math.sqrt(0.05 * 0.95 / 20_000));
});

Deno.test("Rng.integer() is unbiased where a remainder would not be", () => {
  // Over three quarters of 2^32, the lower third would be twice as likely.
  const rng = new Rng("integer");
  const n = 3 * 2 ** 30;
  const thirds = Array.from(
    { length: 10_000 },
    () => Math.floor(rng.integer(n) / 2 ** 30),
  );
  ok(chiSquare(thirds, 3) < 13.82, "two degrees of freedom, p = 0.001");
  deepStrictEqual(
    new Set(Array.from({ length: 100 }, () => rng.integer(5))).size,
    5,
  );
  strictEqual(rng.integer(1), 0);
});

Deno.test("Rng.integer() refuses a number that is not a count", () => {
  for (const n of [0, -1, 1.5, NaN, 2 ** 32 + 1]) {
    throws(() => new Rng(0).integer(n), RangeError);
  }
});

Deno.test("Rng.shuffle() returns every order equally often and leaves its input", () => {
  const rng = new Rng("shuffle");
  const items = Object.freeze(["a", "b", "c", "d"]);
  const counts = new Map<string, number>();
  for (let i = 0; i < 4800; i++) {
    const order = rng.shuffle(items).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  strictEqual(counts.size, 24);
  const statistic = [...counts.values()].reduce(
    (sum, n) => sum + (n - 200) ** 2 / 200,
    0,
  );
  ok(statistic < 49.73, "23 degrees of freedom, p = 0.001");
});

Deno.test("Rng.split() neither advances the parent nor depends on its position", () => {
  const used = new Rng(7);
  const untouched = new Rng(7);
  const early = used.split("noise");
  used.uniforms(1000);
  deepStrictEqual(used.split("noise").state(), early.state());
  untouched.uniforms(1000);
  deepStrictEqual(used.state(), untouched.state());
});

Deno.test("Rng.split() gives unrelated streams to names, seeds and nesting", () => {
  const streams = [
    new Rng(0),
    new Rng(1),
    new Rng(0).split("a"),
    new Rng(0).split("b"),
    new Rng(1).split("a"),
    new Rng(0).split("a").split("b"),
    new Rng(0).split("a/b"),
  ].map((rng) => Array.from(rng.uniforms(2000)));
  for (const [i, a] of streams.entries()) {
    for (const b of streams.slice(i + 1)) {
      ok(Math.abs(correlation(a, b)) < 4 / Math.sqrt(2000));
    }
  }
});

Deno.test("Rng.from() continues a stream and its children after JSON", () => {
  const rng = new Rng("checkpoint");
  rng.normal();
  const restored = Rng.from(JSON.parse(JSON.stringify(rng.state())));
  deepStrictEqual(restored.uniforms(5), rng.uniforms(5));
  strictEqual(restored.split("x").uniform(), rng.split("x").uniform());
  notStrictEqual(restored.split("y").uniform(), rng.split("x").uniform());
});

Deno.test("Rng refuses seeds and states that cannot work", () => {
  throws(() => new Rng(NaN), /Cannot seed with NaN: expected a finite number/);
  throws(() => Rng.from({ key: "", words: [0, 0, 0, 0] }), /not all zero/);
  throws(
    () => Rng.from({ key: "", words: [1, 2, 3, -4] }),
    /four 32-bit integers/,
  );
});

/** 99.9 % point of χ² with 99 degrees of freedom. */
const CHI_SQUARE_99 = 148.23;

function chiSquare(bins: number[], count: number): number {
  const expected = bins.length / count;
  const counts = new Array<number>(count).fill(0);
  for (const bin of bins) counts[bin]! += 1;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

function mean(values: number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function correlation(a: number[], b: number[]): number {
  const [u, v] = [centred(a), centred(b)];
  const dot = (x: number[], y: number[]) =>
    x.reduce((sum, xi, i) => sum + xi * y[i]!, 0);
  return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
}

function centred(values: number[]): number[] {
  const middle = mean(values);
  return values.map((x) => x - middle);
}
