import { deepStrictEqual, throws } from "node:assert/strict";
import { parseFlags } from "lib/cli/flags.ts";
import { readRecord } from "lib/record/record.ts";
import {
  parseTrainSettings,
  TRAIN_FLAGS,
  type TrainSettings,
  trainSettings,
} from "lib/run/settings.ts";
import { checkout } from "../places.ts";

const TRAIN = {
  name: "train",
  summary: "",
  flags: TRAIN_FLAGS,
  examples: [],
};
const REQUIRED = ["--model", "m", "--data", "d", "--loss", "kto"];

Deno.test("steps and epochs are two ways to say how long", () => {
  const length = (...flags: string[]) => {
    const args = parseFlags(TRAIN, [...REQUIRED, ...flags]);
    if (args.help !== undefined) return args.help;
    const { steps, epochs } = trainSettings(args, {});
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
    return args.help ?? trainSettings(args, {}).conversions;
  };
  deepStrictEqual(conversions(), {});
  deepStrictEqual(conversions("--keep-desirable", "0", "--unpair"), {
    unpair: true,
    keepDesirable: 0,
  });
});

/** Settings of a command line. */
function settingsOf(...flags: string[]): TrainSettings {
  const args = parseFlags(TRAIN, [...REQUIRED, ...flags]);
  if (args.help !== undefined) throw new Error(args.help);
  return trainSettings(args, { beta: 0.1 });
}

const parse = (json: unknown) =>
  parseTrainSettings(JSON.parse(JSON.stringify(json)), "Cannot use it");

Deno.test("settings of a command line survive JSON, whatever is trained", () => {
  for (
    const flags of [
      [],
      ["--full", "--reference-every", "2", "--reference-mix", "0.5"],
      ["--init-adapter", "org/adapter"],
      ["--lora-rank", "4", "--lora-targets", "q_proj,v_proj"],
      ["--flip", "0.1", "--unpair", "--template-option", "a=1,b=x"],
      ["--max-length", "64", "--specials", "token", "--steps", "3"],
    ]
  ) {
    const settings = settingsOf(...flags);
    deepStrictEqual(parse(settings), settings);
  }
});

Deno.test("flags that a record calls otherwise stand under their names there", () => {
  const { learningRate, tokenizing, tuning } = settingsOf(
    "--lr=1e-4",
    "--scored-turns=last",
    "--template-option=thinking=false,mode=fast",
    "--lora-targets=q_proj,v_proj",
    "--lora-alpha=8",
  );
  deepStrictEqual(learningRate, 1e-4);
  deepStrictEqual(tokenizing, {
    promptTruncation: "none",
    boundary: "separate",
    score: "last",
    specials: null,
    template: false,
    templateName: null,
    templateOptions: { thinking: false, mode: "fast" },
  });
  deepStrictEqual(tuning, {
    kind: "lora",
    rank: 16,
    alpha: 8,
    targets: ["q_proj", "v_proj"],
  });
});

Deno.test("settings that are missing from JSON have the defaults of the flags", () => {
  const { options: _, ...defaults } = settingsOf();
  const { model, data, loss, tuning } = defaults;
  deepStrictEqual(
    parse({
      ...{ model, data, loss, tuning },
      ...{ options: {}, tokenizing: {}, conversions: {} },
    }),
    { ...defaults, options: {} },
  );
});

Deno.test("settings of a record that was made long ago are read as they stand", async () => {
  const path = checkout("results/smollm2-dpo/run.json");
  const { settings } = await readRecord(path);
  const parsed = parse(settings);
  // Settings that came later have their defaults beside.
  const tokenizing = Object(settings["tokenizing"]);
  deepStrictEqual({
    ...parsed,
    ...settings,
    tokenizing: { ...parsed.tokenizing, ...tokenizing },
  }, parsed);
});

/** Changes of settings, and what is said of them. */
const REFUSED: [change: object, message: string][] = [
  [{ batch: 0 }, "/batch is 0, expected an integer of at least 1"],
  [{ batch: 1.5 }, "/batch is 1.5, expected an integer of at least 1"],
  [{ batch: "8" }, '/batch is "8", expected an integer of at least 1'],
  [{ learningRate: -1 }, "/learningRate is -1, expected a number above 0"],
  [{ steps: 0 }, "/steps is 0, expected an integer of at least 1"],
  [{ model: undefined }, "/model is missing"],
  [{ bacth: 8 }, "/bacth is not known"],
  [
    { schedule: "step" },
    '/schedule is "step", expected constant, linear or cosine',
  ],
  [{ skipBadRows: null }, "/skipBadRows is null, expected true or false"],
  [
    { tokenizing: { score: "all" } },
    '/tokenizing/score is "all", expected completion, last or all-turns',
  ],
  [
    { conversions: { flip: 2 } },
    "/conversions/flip is 2, expected a number from 0 to 1",
  ],
  [
    { tuning: { kind: "lora", rank: 0 } },
    "/tuning/rank is 0, expected an integer of at least 1",
  ],
  [{ tuning: { kind: "adapter" } }, "/tuning/adapter is missing"],
  [
    { tuning: { kind: "prefix" } },
    '/tuning/kind is "prefix", expected ("full" | "lora" | "adapter")',
  ],
  [
    { options: { beta: null } },
    "/options/beta is null, expected a number, a text, or true or false",
  ],
];

for (const [change, message] of REFUSED) {
  Deno.test(`JSON with ${JSON.stringify(change)} is no settings`, () => {
    throws(() => parse({ ...settingsOf(), ...change }), {
      message: `Cannot use it: ${message}`,
    });
  });
}
