import { deepEqual, throws } from "node:assert/strict";
import { storedSettings } from "lib/experiment/records.ts";
import { TOY_SCHEMA, TOY_SETTINGS } from "./toy_experiment.ts";

const RUN = { loss: "sft", option: null, value: 0, learningRate: 1, seed: 1 };

/** The settings of a record, as JSON has them. */
function settings(changes: Record<string, unknown> = {}) {
  const all = { experiment: "toy", run: RUN, ...TOY_SETTINGS, ...changes };
  return { name: "sft-seed1", settings: JSON.parse(JSON.stringify(all)) };
}

Deno.test("a record tells the settings of its experiment and its run", () => {
  const { settings: found, point } = storedSettings(settings(), TOY_SCHEMA);
  deepEqual([found, point], [TOY_SETTINGS, RUN]);
  const none = storedSettings(settings({ run: null }), TOY_SCHEMA);
  deepEqual(none.point, null);
});

Deno.test("settings that are not those of the experiment are named", () => {
  const message = (changes: Record<string, unknown>) => () =>
    storedSettings(settings(changes), TOY_SCHEMA);
  throws(
    message({ origin: "10" }),
    /settings of sft-seed1: \/origin is "10", expected a number/,
  );
  throws(message({ origin: undefined }), /\/origin is missing/);
  throws(message({ orgin: 1 }), /\/orgin is not known/);
  throws(message({ seeds: 3 }), /\/seeds is 3, expected a list/);
  throws(message({ methods: [{}] }), /\/methods\/0\/loss is missing/);
  throws(message({ run: { ...RUN, seed: null } }), /run in .*\/seed is null/);
});
