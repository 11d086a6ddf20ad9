import { deepEqual, equal, throws } from "node:assert/strict";
import {
  exactOf,
  isOf,
  recordRun,
  storedSettings,
} from "lib/experiment/records.ts";
import { Clock } from "lib/record/record.ts";
import { TOY_SCHEMA, TOY_SETTINGS } from "./toy_experiment.ts";

const METHOD = { loss: "sft", options: {}, learningRate: 1 };
const RUN = { ...METHOD, level: {}, draw: 0, seed: 1 };
const { origin } = TOY_SETTINGS;
const NONE = { methods: [], draws: [], seeds: [], levels: [] };

/** The settings of a record, as JSON has them. */
function settings(changes: Record<string, unknown> = {}) {
  const all = { experiment: "toy", run: RUN, origin, ...changes };
  const name = "sft-draw0-seed1";
  return { name, settings: JSON.parse(JSON.stringify(all)) };
}

Deno.test("a record tells the settings of its experiment, and its run", () => {
  deepEqual(storedSettings(settings(), TOY_SCHEMA), {
    recorded: { point: RUN },
    settings: {
      ...{ origin, methods: [METHOD], draws: [0], seeds: [1], levels: [{}] },
    },
  });
  deepEqual(storedSettings(settings({ run: { draw: 3 } }), TOY_SCHEMA), {
    recorded: { draw: 3 },
    settings: { origin, ...NONE, draws: [3] },
  });
  deepEqual(
    storedSettings(
      settings({ run: { methods: [], levels: [{}] } }),
      TOY_SCHEMA,
    ),
    {
      recorded: { exact: { methods: [], levels: [{}] } },
      settings: { origin, ...NONE, levels: [{}] },
    },
  );
});

Deno.test("settings that are not those of the experiment are named", () => {
  const message = (changes: Record<string, unknown>) => () =>
    storedSettings(settings(changes), TOY_SCHEMA);
  throws(
    message({ origin: "10" }),
    /settings of sft-draw0-seed1: \/origin is "10", expected a number/,
  );
  throws(message({ origin: undefined }), /\/origin is missing/);
  throws(message({ orgin: 1 }), /\/orgin is not known/);
  throws(message({ run: { ...RUN, seed: null } }), /Cannot use the run in/);
});

Deno.test("a job that knows numbers alone makes a whole record", () => {
  const outcome = {
    ...{ rows: [{ step: 1, heads: 2 }], summary: { heads: 2 } },
    timings: new Clock().timings(),
  };
  const context = {
    ...{ experiment: "toy", settings: TOY_SETTINGS, provenance: null },
    device: "cpu",
  } as const;
  const { record, rows } = recordRun({ point: RUN }, outcome, context);
  deepEqual(rows, outcome.rows);
  deepEqual(record.summary, outcome.summary);
  deepEqual(record.seeds, { draw: 0, run: 1 });
  deepEqual(record.settings, { experiment: "toy", run: RUN, origin });
  equal(record.model.parameters.total, 0);
  equal(record.objective, null);
  equal(isOf(record, { point: RUN }), true);
  equal(isOf(record, { point: { ...RUN, learningRate: 2 } }), false);
  equal(isOf(record, { draw: 0 }), false);
  const exact = recordRun(
    exactOf({ methods: [], levels: [] }),
    outcome,
    context,
  ).record;
  deepEqual([exact.name, exact.seeds], ["exact", {}]);
});
