import { deepStrictEqual } from "node:assert/strict";
import * as v from "valibot";
import { choice, integer, number, text, toggle } from "lib/cli/flag.ts";
import {
  schemasOf,
  settle,
  settleSparse,
  sparseSchemasOf,
  unsettle,
} from "lib/cli/settings.ts";

const FLAGS = {
  lr: number({ help: "", default: 1, recordedAs: "learningRate" }),
  steps: integer({ help: "", min: 1 }),
  order: choice(["a", "b"], { help: "", default: "a" }),
  model: text({ help: "", required: true }),
  full: toggle({ help: "" }),
} as const;

Deno.test("settle() names values as in a record, null for absent ones", () => {
  const values = { lr: 2, order: "b", model: "m", full: false } as const;
  const settled: {
    readonly learningRate: number;
    readonly steps: number | null;
    readonly order: "a" | "b";
    readonly model: string;
    readonly full: boolean;
  } = settle(FLAGS, values);
  deepStrictEqual(settled, {
    learningRate: 2,
    steps: null,
    order: "b",
    model: "m",
    full: false,
  });
});

Deno.test("unsettle() names values as flags, without those of an empty command line", () => {
  const given = { lr: 2, order: "a", model: "m", full: true } as const;
  const { order: _, ...others } = given;
  deepStrictEqual(unsettle(FLAGS, settle(FLAGS, given)), others);
  const usual = settle(FLAGS, { lr: 1, order: "b", model: "m", full: false });
  deepStrictEqual(unsettle(FLAGS, usual), { order: "b", model: "m" });
});

Deno.test("settleSparse() keeps given values only, zero too, of its own flags", () => {
  const { steps, full } = FLAGS;
  const flags = { steps, full, share: number({ help: "" }) };
  const values = { steps: 3, full: false, share: 0, model: "m" };
  deepStrictEqual(settleSparse(flags, values), { steps: 3, share: 0 });
});

Deno.test("schemasOf() fills in defaults and refuses values out of bounds", () => {
  const schema = v.strictObject(schemasOf(FLAGS));
  deepStrictEqual(v.parse(schema, { model: "m" }), {
    learningRate: 1,
    steps: null,
    order: "a",
    model: "m",
    full: false,
  });
  const wrong = [
    {},
    { model: "m", steps: 0 },
    { model: "m", order: "c" },
    { model: "m", full: null },
    { model: "m", lr: 2 },
  ];
  deepStrictEqual(
    wrong.map((value) => v.safeParse(schema, value).success),
    wrong.map(() => false),
  );
});

Deno.test("sparseSchemasOf() leaves out what is absent", () => {
  const schema = v.strictObject(sparseSchemasOf({ steps: FLAGS.steps }));
  deepStrictEqual(v.parse(schema, {}), {});
  deepStrictEqual(v.parse(schema, { steps: 2 }), { steps: 2 });
  deepStrictEqual(v.safeParse(schema, { steps: 0.5 }).success, false);
});
