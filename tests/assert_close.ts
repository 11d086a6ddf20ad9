import { ok, strictEqual } from "node:assert/strict";

/**
 * Asserts that two lists are as long and differ nowhere by more than
 * `tolerance` (1e-6) times the largest entry expected. A number stands for a
 * list of it.
 */
export function assertClose(
  found: ArrayLike<number>,
  expected: readonly number[] | number,
  { tolerance = 1e-6, what = "value" } = {},
): void {
  const list = typeof expected === "number"
    ? Array.from(found, () => expected)
    : expected;
  strictEqual(found.length, list.length, `number of entries of ${what}`);
  const largest = Math.max(...list.map(Math.abs));
  for (const [i, wanted] of list.entries()) {
    ok(
      Math.abs(found[i]! - wanted) <= tolerance * largest,
      `${what}[${i}] is ${found[i]}, expected ${wanted}`,
    );
  }
}
