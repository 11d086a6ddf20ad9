import { ok, strictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { resolveOptions } from "lib/losses/options.ts";
import type { Adapter } from "lib/models/adapter/adapter.ts";
import {
  readAdapter,
  writeAdapter,
} from "lib/models/adapter/adapter_folder.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { readConfig } from "lib/models/read_config.ts";
import { adapterOf, loadPolicy, type Tuning } from "lib/models/load_policy.ts";
import { resolveTargets } from "lib/models/adapter/lora_targets.ts";
import { openTensors } from "lib/models/open_model.ts";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { loraParameters } from "lib/models/policy.ts";
import { referenceOf } from "lib/train/reference.ts";
import { Rng } from "lib/rng.ts";
import { Trainer } from "lib/train/trainer.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { fixture } from "../places.ts";
import { parametersOf } from "../train/random_trainer.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import {
  ARCHITECTURES,
  type Fixture,
  putArchitecture,
  rowsOf,
} from "./architecture_fixtures.ts";
import { putJson } from "./tiny_model.ts";

const SCRIPT = fixture("peft_interop.py");

/** Something that PEFT or transformers computes. */
interface Case {
  readonly model: string;
  readonly adapter?: string;
  /** Options of a LoraConfig: PEFT trains the adapter. */
  readonly train?: Readonly<Record<string, unknown>>;
  readonly pairs: Fixture["pairs"];
}
interface Result {
  readonly logProbs: readonly number[];
  readonly loss: number;
}
/** A case, and what to check of its result. */
type Planned = [Case, (result: Result) => void | Promise<void>];

/** Architecture → adapters that PEFT trains on it. */
const PEFT_TRAINS: Readonly<Record<string, Case["train"]>> = {
  "llama": { "target_modules": "all-linear", "use_rslora": true },
  "gpt2": {
    "target_modules": ["c_attn", "mlp.c_fc"],
    "rank_pattern": { "mlp.c_fc": 2 },
    "alpha_pattern": { "^transformer.h.1.attn.c_attn": 3 },
  },
  "gpt-neox": { "target_modules": ["query_key_value", "dense_h_to_4h"] },
  "qwen2": {
    "target_modules": String.raw`.*\.(q|v)_proj`,
    "modules_to_save": ["embed_tokens", "lm_head"],
  },
  "gemma3": {
    "target_modules": "all-linear",
    "exclude_modules": ["up_proj"],
    "modules_to_save": ["norm", "mlp.down_proj"],
  },
  "phi3": {
    "target_modules": ["qkv_proj", "gate_up_proj"],
    "layers_to_transform": [1],
  },
};

peerTest("PEFT and transformers compute what we do, both ways", async () => {
  using root = temporaryFolder();
  const planned: Planned[] = [];
  for (const [name, fixture] of ARCHITECTURES) {
    const folder = `${root.path}/${name}`;
    await putArchitecture(folder, fixture);
    planned.push(...await trainedHere(folder, fixture));
    const train = PEFT_TRAINS[name];
    if (train) planned.push(trainedByPeft(folder, fixture, train));
  }
  const name = "llama3";
  const fixture = ARCHITECTURES.get(name)!;
  planned.push(...await variedHere(`${root.path}/${name}`, fixture));
  await putJson(`${root.path}/cases.json`, planned.map(([one]) => one));
  const results: Result[] = JSON.parse(
    await runPeer(SCRIPT, { args: [root.path] }),
  );
  strictEqual(results.length, planned.length);
  for (const [i, [, check]] of planned.entries()) await check(results[i]!);
});

/** An adapter that is trained here, beside its model and merged into it. */
async function trainedHere(
  model: string,
  fixture: Fixture,
): Promise<Planned[]> {
  const rng = new Rng(model);
  const lora = {
    kind: "lora",
    rank: 4,
    alpha: 8,
    targets: "all-linear",
    uniform: () => rng.uniform(),
  } as const;
  const adapter = `${model}/trained`;
  await using run = await Training.start(model, fixture, lora);
  await run.step();
  await run.step();
  await run.write(adapter);
  return await bothWays(model, adapter, fixture);
}

/** An adapter of all that PEFT's layout can say, which nobody trained. */
async function variedHere(
  model: string,
  fixture: Fixture,
): Promise<Planned[]> {
  const config = await readConfig(model);
  const rng = new Rng("varied");
  const drawn = (
    { name, shape }: { name: string; shape: readonly number[] },
  ) => {
    const length = shape.reduce((a, b) => a * b);
    const data = Float32Array.from({ length }, () => 0.3 * rng.normal());
    return { name, shape, data };
  };
  const targets = resolveTargets(config, ["q_proj", "mlp.up_proj"]).slice(1);
  const scaling = {
    rank: 4,
    alpha: 2,
    rslora: true,
    rankPattern: { "layers.1.mlp.up_proj": 3 },
    alphaPattern: { "q_proj": 1.5 },
  };
  const factors = new Map(
    loraParameters(config, { ...scaling, targets }).map((parameter) =>
      [parameter.name, drawn(parameter).data] as const
    ),
  );
  const adapter: Adapter = {
    ...scaling,
    tensors: new Map(targets.map((name) => [name, {
      a: factors.get(`${name}.lora_A`)!,
      b: factors.get(`${name}.lora_B`)!,
    }])),
    replaced: parameterNames({ ...config, tiedHead: false })
      .filter(({ name }) => /embed|lm_head|layers.0.input_layer/.test(name))
      .map(drawn),
  };
  const folder = `${model}/varied`;
  await writeAdapter(folder, adapter, { baseModel: model, config });
  return await bothWays(model, folder, fixture);
}

/** Checks log-probabilities of an adapter beside its model, and merged. */
async function bothWays(
  model: string,
  adapter: string,
  fixture: Fixture,
): Promise<Planned[]> {
  const { pairs } = fixture;
  const merged = `${adapter}-merged`;
  const { tensors } = await openTensors(model, { adapter });
  await writeModelFolder(merged, { from: model, tensors });
  await using run = await Training.start(model, fixture, {
    kind: "adapter",
    folder: adapter,
  });
  const expected = await run.score();
  return [{ model, adapter, pairs }, { model: merged, pairs }].map((one) => [
    one,
    ({ logProbs }) => assertNear(logProbs, expected, one.model),
  ]);
}

/** An adapter that PEFT trains, and that training goes on with here. */
function trainedByPeft(
  model: string,
  fixture: Fixture,
  train: NonNullable<Case["train"]>,
): Planned {
  const adapter = `${model}/peft`;
  const { pairs } = fixture;
  const options = { r: 4, "lora_alpha": 8, ...train };
  return [{ model, adapter, train: options, pairs }, async (result) => {
    await using run = await Training.start(model, fixture, {
      kind: "adapter",
      folder: adapter,
    });
    assertNear(await run.score(), result.logProbs, adapter);
    const { loss } = await run.step();
    assertNear([loss], [result.loss], `the first loss of ${adapter}`);
    ok((await run.step()).loss < loss, `the loss of ${adapter} falls`);
    // Its shape stays.
    await run.write(`${adapter}-again`);
    const [was, is] = [adapter, `${adapter}-again`].map(readAdapter);
    strictEqual(shapeOf(await is!), shapeOf(await was!));
  }];
}

/** A policy under training on a fixture's pairs. */
class Training implements AsyncDisposable {
  private constructor(
    private readonly model: string,
    private readonly fixture: Fixture,
    private readonly loaded: Awaited<ReturnType<typeof loadPolicy>>,
    private readonly trainer: Trainer,
  ) {}

  static async start(
    model: string,
    fixture: Fixture,
    tuning: Tuning,
  ): Promise<Training> {
    const loaded = await loadPolicy(model, tuning);
    const trainer = await Trainer.create({
      policy: loaded.policy,
      loss: dpo,
      lossOptions: OPTIONS,
    });
    return new Training(model, fixture, loaded, trainer);
  }

  async score(): Promise<number[]> {
    return (await this.trainer.logProbs(rowsOf(this.fixture))).flat();
  }

  step() {
    const rows = rowsOf(this.fixture);
    const references = this.fixture.pairs.map(({ reference }) => reference);
    return this.trainer.train(rows, {
      lossOptions: OPTIONS,
      reference: referenceOf(rows, references),
      learningRate: 1e-2,
    });
  }

  async write(folder: string): Promise<void> {
    const { policy: { config }, lora } = this.loaded;
    const adapter = adapterOf(lora!, await parametersOf(this.trainer));
    await writeAdapter(folder, adapter, { baseModel: this.model, config });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.trainer.release();
  }
}
const OPTIONS = resolveOptions(dpo, { beta: 0.1 });

/** All of an adapter but its values. */
function shapeOf({ tensors, replaced, config: _, ...scaling }: Awaited<
  ReturnType<typeof readAdapter>
>): string {
  const factors = [...tensors].map(([name, { a, b }]) =>
    [name, a.length, b.length] as const
  );
  return JSON.stringify([
    scaling,
    factors.toSorted(),
    replaced.map(({ name, shape }) => [name, shape]),
  ]);
}

function assertNear(
  found: readonly number[],
  expected: readonly number[],
  what: string,
): void {
  strictEqual(found.length, expected.length);
  for (const [i, wanted] of expected.entries()) {
    ok(
      Math.abs(found[i]! - wanted) <= 1e-4,
      `${what}: ${i} is ${found[i]}, expected ${wanted}`,
    );
  }
}
