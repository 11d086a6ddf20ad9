import { deepEqual, equal, throws } from "node:assert/strict";
import { flagValues } from "./experiment_flags.ts";

Deno.test("draws and seeds are a number of them, or a range", () => {
  const { draws, seeds } = flagValues("--draws", "3", "--seeds", "2-4");
  deepEqual([draws, seeds], [[0, 1, 2], [2, 3, 4]]);
  deepEqual(flagValues("--seeds", "2").seeds, [1, 2]);
  deepEqual(flagValues("--draws", "7-7").draws, [7]);
  equal(flagValues().draws, undefined);
});

Deno.test("draws that are no such number or range are refused", () => {
  for (const text of ["0", "4-2", "1,2", "-1", "1-", "x", "2.5", "1-99999"]) {
    throws(
      () => flagValues(`--draws=${text}`),
      /--draws.*expected (one value: )?a number of at least 1, or a range such as 0-9/,
      text,
    );
  }
});
