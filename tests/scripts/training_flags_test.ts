import { deepStrictEqual } from "node:assert/strict";
import { parseFlags } from "lib/flags.ts";
import {
  TRAINING_FLAGS,
  trainingSettings,
} from "../../scripts/training_flags.ts";

const TRAIN = {
  name: "train",
  summary: "",
  flags: TRAINING_FLAGS,
  examples: [],
};
const REQUIRED = ["--model", "m", "--data", "d", "--loss", "kto", "--out", "o"];

Deno.test("conversions are those that were asked for, shares of 0 too", () => {
  const conversions = (...flags: string[]) => {
    const args = parseFlags(TRAIN, [...REQUIRED, ...flags]);
    return args.help ?? trainingSettings(args.values, {}).conversions;
  };
  deepStrictEqual(conversions(), {});
  deepStrictEqual(conversions("--keep-desirable", "0", "--unpair"), {
    unpair: true,
    keepDesirable: 0,
  });
});
