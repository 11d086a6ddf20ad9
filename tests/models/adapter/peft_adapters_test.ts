import { ok, rejects } from "node:assert/strict";
import { loadPolicy } from "lib/models/load_policy.ts";
import { openTensors } from "lib/models/open_model.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { openPolicy } from "lib/run/models.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { fixture } from "../../places.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import {
  ARCHITECTURES,
  putArchitecture,
  rowsOf,
} from "../architecture_fixtures.ts";
import { checkMerged } from "../exported_architecture.ts";
import { type Draw, seeded } from "../seeded_weights.ts";
import { putJson } from "../tiny_model.ts";

/** A line of fixtures/peft_adapters.py, which documents it. */
interface Case {
  readonly model: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly weights?: Readonly<
    Record<string, Draw & { readonly as?: string; readonly transposed?: true }>
  >;
  readonly logProbs?: readonly number[];
}

const CASES: readonly Case[] = Deno.readTextFileSync(
  fixture("peft_adapters.jsonl"),
).trim().split("\n").map((line) => JSON.parse(line));

/** Options that are refused → the error. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "resize":
    /fit the model: it changes "\S+" of shape \[101,32\].*, the model has \[97,32\]/,
  "trainable_token_indices": /field "trainable_token_indices" is \[3,4\]/,
  "bias": /field "bias" is "all", expected "none"/,
  "lora_bias": /field "lora_bias" is true, expected none/,
  "init_lora_weights": /field "init_lora_weights" is "pissa"/,
  "layer_replication": /field "layer_replication" is \[\[0,2\],\[1,2\]\]/,
};

/** Options of adapters that are evaluated and merged, and not trained. */
const NOT_TRAINED: Readonly<Record<string, RegExp>> = {
  "use_dora": /Cannot train the adapter \S+: it has (DoRA|updates of "\S+")/,
  "save_embedding_layers": /: it has updates of "(lm_head|model.embed_tokens)"/,
  "ensure_weight_tying": /: it has (ensure_weight_tying|updates of "\S+")/,
};

for (const one of CASES) {
  const { model, options, config, weights, logProbs } = one;
  if (!config || !weights) continue; // PEFT itself could not make it.
  const architecture = ARCHITECTURES.get(model)!;
  const what = `${model} with ${JSON.stringify(options)}`;
  const withAdapter = async (
    use: (folder: string, adapter: string) => Promise<void>,
  ) => {
    using root = temporaryFolder();
    await putArchitecture(root.path, architecture);
    const adapter = `${root.path}/peft`;
    await Deno.mkdir(adapter);
    await putJson(`${adapter}/adapter_config.json`, config);
    await putDraws(`${adapter}/adapter_model.safetensors`, weights);
    await use(root.path, adapter);
  };
  const refused = Object.keys(REFUSED).find((name) => name in options);
  if (refused) {
    Deno.test(`${what} is refused by name, evaluated or merged`, () =>
      withAdapter(async (folder, adapter) => {
        await rejects(openPolicy(folder, adapter), REFUSED[refused]!);
        await rejects(openTensors(folder, { adapter }), REFUSED[refused]!);
      }));
    continue;
  }
  Deno.test(`${what} has PEFT's log-probabilities, beside the model and merged`, () =>
    withAdapter(async (folder, adapter) => {
      const rows = rowsOf(architecture);
      const { policy } = await openPolicy(folder, adapter);
      const forward = new ForwardPass({ policy });
      const parameters = tensorsOf(policy.trained, policy.initial);
      const found = (await forward.logProbs(rows, { parameters })).flat();
      await forward.release();
      for (const [i, expected] of logProbs!.entries()) {
        ok(
          Math.abs(found[i]! - expected) <= 1e-4,
          `log π of ${i} is ${found[i]}, expected ${expected}`,
        );
      }
      await checkMerged(folder, { adapter, rows }, logProbs!);
    }));
  const untrained = Object.keys(NOT_TRAINED).find((name) => name in options);
  if (!untrained) continue;
  Deno.test(`${what} is refused by name where it is to be trained`, () =>
    withAdapter(async (model, folder) => {
      const tuning = { kind: "adapter", folder } as const;
      await rejects(loadPolicy(model, tuning), NOT_TRAINED[untrained]!);
    }));
}

async function putDraws(
  path: string,
  draws: NonNullable<Case["weights"]>,
): Promise<void> {
  const tensors = Object.entries(draws).map(([name, draw]) => {
    const data = seeded(draw.as ?? name, draw);
    const [rows, columns] = draw.shape as [number, number];
    if (!draw.transposed) return { name, shape: draw.shape, data };
    const turned = Float32Array.from(
      data,
      (_, i) => data[i % rows * columns + Math.floor(i / rows)]!,
    );
    return { name, shape: [columns, rows], data: turned };
  });
  await writeSafetensors(path, tensors);
}
