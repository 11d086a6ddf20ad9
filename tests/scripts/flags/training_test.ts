import { deepStrictEqual, throws } from "node:assert/strict";
import { parseFlags } from "lib/cli/flags.ts";
import {
  TRAINING_FLAGS,
  trainingSettings,
} from "../../../scripts/flags/training.ts";

const TRAIN = {
  name: "train",
  summary: "",
  flags: TRAINING_FLAGS,
  examples: [],
};
const REQUIRED = ["--model", "m", "--data", "d", "--loss", "kto", "--out", "o"];

Deno.test("steps and epochs are two ways to say how long", () => {
  const length = (...flags: string[]) => {
    const args = parseFlags(TRAIN, [...REQUIRED, ...flags]);
    if (args.help !== undefined) return args.help;
    const { steps, epochs } = trainingSettings(args.values, {});
    return { steps, epochs };
  };
  deepStrictEqual(length(), { steps: null, epochs: 1 });
  deepStrictEqual(length("--epochs", "2"), { steps: null, epochs: 2 });
  deepStrictEqual(length("--steps", "5"), { steps: 5, epochs: 1 });
  throws(
    () => length("--steps", "5", "--epochs", "1"),
    /Cannot use --epochs with --steps/,
  );
});

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
