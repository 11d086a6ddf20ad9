import { ok } from "node:assert/strict";
import { MODEL_TYPES } from "lib/models/registry.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { readConfig } from "lib/models/read_config.ts";
import { fixture } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { logitsAfter } from "./logits_after.ts";
import { type Draw, putSeeded } from "./seeded_weights.ts";
import { putJson } from "./tiny_model.ts";

/** A line of fixtures/random_configs.py, which documents it. */
interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly logits: readonly number[];
}

const CASES: readonly Case[] = Deno.readTextFileSync(
  fixture("random_configs.jsonl"),
).trim().split("\n").map((line) => JSON.parse(line));

const VOCABULARY = 19;
const IDS = Array.from(
  { length: 24 },
  (_, i) => (7 * i * i + 3 * i + 1) % VOCABULARY,
);

/** How random_configs.py draws a tensor. */
function drawn(name: string, shape: readonly number[], type: string): Draw {
  if (shape.length === 1) {
    const center = name.endsWith("bias")
      ? 0
      : type.startsWith("gemma")
      ? 0.5
      : 1;
    return { shape, center, width: 0.25 };
  }
  const inputs = shape[name.includes(".c_") ? 0 : 1]!;
  const gain = /embed|wte|wpe|lm_head/.test(name) ? 1 : 2;
  const half = Math.floor(Math.ceil(Math.log2(inputs)) / 2);
  return { shape, center: 0, width: gain * 2 ** -half };
}

async function logitsOf(config: Case["config"]): Promise<number[]> {
  using folder = temporaryFolder();
  await putJson(`${folder.path}/config.json`, config);
  const named = parameterNames(await readConfig(folder.path));
  const draws = named.map(({ name, shape }) =>
    [name, drawn(name, shape, String(config["model_type"]))] as const
  );
  await putSeeded(
    `${folder.path}/model.safetensors`,
    Object.fromEntries(draws),
  );
  const { policy } = await loadPolicy(folder.path, { kind: "full" });
  const { config: known, trained, initial } = policy;
  const values = trained.map(({ name, shape }) =>
    [name, { data: initial.get(name)!, shape }] as const
  );
  const parameters = Object.fromEntries(values);
  return await logitsAfter({ config: known, policy, parameters }, IDS);
}

/** The name of the field for which a configuration is refused; null if it is read. */
async function check({ config, logits }: Case): Promise<string | null> {
  let found;
  try {
    found = await logitsOf(config);
  } catch (error) {
    const [, field] = /: field "([\w.]+)" is /.exec(String(error)) ?? [];
    ok(field, `${JSON.stringify(config)}: ${error}`);
    return field;
  }
  for (const [i, expected] of logits.entries()) {
    ok(
      Math.abs(found[i]! - expected) <= 1e-4 * Math.max(1, Math.abs(expected)),
      `logit ${i} of ${JSON.stringify(config)} is ${
        found[i]
      }, expected ${expected}`,
    );
  }
  return null;
}

const byType = Map.groupBy(CASES, ({ config }) => String(config["model_type"]));
for (const [type, cases] of byType) {
  Deno.test(`${cases.length} random configurations of ${type} have transformers' logits, or are refused by a field`, async () => {
    const fields = [];
    for (const one of cases) fields.push(await check(one));
    // Refusing everything would be easy.
    const read = fields.filter((field) => field === null).length;
    ok(read >= cases.length * 0.4, `only ${read} of ${type} are read`);
  });
}

Deno.test("the random configurations are as many as they should be", () => {
  ok(CASES.length >= 300);
  ok([...MODEL_TYPES.keys()].every((type) => byType.has(type)));
});
