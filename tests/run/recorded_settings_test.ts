import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { parseFlags } from "lib/cli/flags.ts";
import { readRecord } from "lib/record/record.ts";
import { isRecord, recordedSettings } from "lib/run/recorded_settings.ts";
import {
  parseTrainSettings,
  TRAIN_FLAGS,
  trainSettings,
} from "lib/run/settings.ts";
import { checkout } from "../places.ts";

const TRAIN = {
  ...{ name: "train", summary: "", flags: TRAIN_FLAGS, examples: [] },
};
const REQUIRED = ["--model", "m", "--data", "d", "--loss", "kto"];
const OLD = await readRecord(checkout("results/smollm2-dpo/run.json"));

/** The settings of a command line, with those of a file. */
function settingsOf(argv: readonly string[], values: object = {}) {
  const args = parseFlags(TRAIN, argv, {
    path: "run.json",
    values: { ...values },
  });
  if (args.help !== undefined) throw new Error(args.help);
  return trainSettings(args, { beta: 0.3 });
}

Deno.test("flags from the settings of a record make the same settings, whatever is trained", () => {
  for (
    const flags of [
      [],
      ["--full", "--reference-every", "2", "--reference-mix", "0.5"],
      ["--init-adapter", "org/adapter"],
      ["--lora-rank", "4", "--lora-targets", "q_proj,v_proj", "--lr", "0.1"],
      ["--flip", "0", "--unpair", "--template-option", "a=1,b=x"],
      ["--max-length", "64", "--specials", "token", "--steps", "3"],
      ["--epochs", "2.5", "--scored-turns", "last", "--skip-bad-rows"],
    ]
  ) {
    const settings = settingsOf([...REQUIRED, ...flags]);
    const record = { ...OLD, settings: JSON.parse(JSON.stringify(settings)) };
    const { flags: values, options } = recordedSettings(record, "run.json");
    deepStrictEqual(settingsOf([], values), settings);
    deepStrictEqual(options, { beta: 0.3 });
  }
});

Deno.test("of steps and epochs a record has those that count", () => {
  const settings = { ...OLD.settings, steps: 3, epochs: 2 };
  const { flags } = recordedSettings({ ...OLD, settings }, "run.json");
  deepStrictEqual([flags["steps"], "epochs" in flags], [3, false]);
});

Deno.test("a record that was made long ago is repeated", () => {
  const { flags } = recordedSettings(OLD, "run.json");
  const { options: _o, ...settings } = parseTrainSettings(OLD.settings, "");
  const { options: _p, ...again } = settingsOf([], flags);
  deepStrictEqual(again, settings);
});

Deno.test("other files and other records are told apart", () => {
  strictEqual(isRecord({ path: "mine.json", values: { lr: 1 } }), false);
  strictEqual(isRecord({ path: "run.json", values: { ...OLD } }), true);
  throws(() => recordedSettings({ ...OLD, kind: "generate" }, "a/run.json"), {
    message:
      'Cannot train by a/run.json: its kind is "generate", expected the record of a training run',
  });
});
