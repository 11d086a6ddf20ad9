import { deepStrictEqual, throws } from "node:assert/strict";
import { parseFlags } from "lib/cli/flags.ts";
import type { Verb } from "lib/cli/verb.ts";
import { SHARD_SIZE } from "../../../scripts/export/shard_size.ts";

const VERB = {
  name: "v",
  summary: "",
  flags: { shardSize: SHARD_SIZE },
  examples: [],
} as const satisfies Verb;

function sizeOf(text: string): number | undefined {
  const args = parseFlags(VERB, ["--shard-size", text]);
  return args.help === undefined ? args.values.shardSize : undefined;
}

Deno.test("sizes are read in powers of 1000", () => {
  const texts = ["5GB", "1.5 MB", "200kb", "7B", "12"];
  deepStrictEqual(texts.map(sizeOf), [5e9, 1.5e6, 2e5, 7, 12]);
});

for (const text of ["5X", "GB", "-1GB", "0", "1e3"]) {
  Deno.test(`a size of ${text} is refused with the flag`, () => {
    throws(() => sizeOf(text), {
      message:
        `Cannot read --shard-size: found "${text}", expected a size such as 5GB or 500MB`,
    });
  });
}
