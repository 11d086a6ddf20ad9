import { deepEqual, equal, throws } from "node:assert/strict";
import { EXPERIMENT_FLAGS } from "experiments/run_directly.ts";
import { parseFlags } from "lib/cli/flags.ts";
import type { Verb } from "lib/cli/verb.ts";

const VERB = {
  ...{ name: "toy", summary: "Tries the flags." },
  ...{ flags: EXPERIMENT_FLAGS, examples: [] },
} as const satisfies Verb;

function valuesOf(...args: string[]) {
  const parsed = parseFlags(VERB, args);
  if (!("values" in parsed)) throw new Error("expected values");
  return parsed.values;
}

Deno.test("draws and seeds are a number of them, or a range", () => {
  const { draws, seeds } = valuesOf("--draws", "3", "--seeds", "2-4");
  deepEqual([draws, seeds], [[0, 1, 2], [2, 3, 4]]);
  deepEqual(valuesOf("--seeds", "2").seeds, [1, 2]);
  deepEqual(valuesOf("--draws", "7-7").draws, [7]);
  equal(valuesOf().draws, undefined);
});

Deno.test("draws that are no such number or range are refused", () => {
  for (const text of ["0", "4-2", "1,2", "-1", "1-", "x", "2.5", "1-99999"]) {
    throws(
      () => valuesOf(`--draws=${text}`),
      /--draws.*expected (one value: )?a number of at least 1, or a range such as 0-9/,
      text,
    );
  }
});
