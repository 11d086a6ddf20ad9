import { deepStrictEqual, throws } from "node:assert/strict";
import { byteCount } from "../../../scripts/flags/computing.ts";

Deno.test("sizes are read in powers of 1000", () => {
  const texts = ["5GB", "1.5 MB", "200kb", "7B", "12"];
  deepStrictEqual(
    texts.map((text) => byteCount(text, "shard-size")),
    [5e9, 1.5e6, 2e5, 7, 12],
  );
});

for (const text of ["5X", "GB", "-1GB", "0", "1e3"]) {
  Deno.test(`a size of ${text} is refused with the flag`, () => {
    throws(
      () => byteCount(text, "shard-size"),
      new RegExp(`--shard-size "${text}": expected a size such as 5GB`),
    );
  });
}
