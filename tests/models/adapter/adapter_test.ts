import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import {
  adaptedConfig,
  type Adapter,
  checkAdapter,
} from "lib/models/adapter/adapter.ts";
import {
  readAdapter,
  writeAdapter,
} from "lib/models/adapter/adapter_folder.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { readConfig } from "lib/models/read_config.ts";
import { resolveTargets } from "lib/models/adapter/lora_targets.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { shared } from "../../places.ts";
import { putJson, putTinyModel, withFolder } from "../tiny_model.ts";

const GOLDEN = shared("golden/trajectories/dpo-lora-initial-adapter");
const STORIES = shared("models/stories260K");
const hasGolden = await Deno.stat(GOLDEN).then(() => true, () => false);

const CONFIG: DecoderConfig = await (async () => {
  const folder = await Deno.makeTempDir();
  await putTinyModel(folder);
  const config = await readConfig(folder);
  await Deno.remove(folder, { recursive: true });
  return config;
})();

const TINY_BASE = { baseModel: "tiny", config: CONFIG };

/** Rank 2 on one projection of 8 inputs and 4 outputs in both layers. */
const ADAPTER: Adapter = {
  rank: 2,
  alpha: 3,
  rslora: false,
  rankPattern: {},
  alphaPattern: {},
  replaced: [],
  tensors: new Map(
    resolveTargets(CONFIG, ["k_proj"]).map((name, layer) => [
      name,
      {
        a: new Float32Array(16).map((_, i) => layer + i),
        b: new Float32Array(8).map((_, i) => layer - i),
      },
    ]),
  ),
};

/** Parts that are read of every adapter, and not written. */
const PLAIN = { stored: [], tied: false };

Deno.test("an adapter that is written is read again", () =>
  withFolder(async (root) => {
    const folder = `${root}/adapter`;
    await writeAdapter(folder, ADAPTER, TINY_BASE);
    const { config, ...adapter } = await readAdapter(folder);
    deepStrictEqual(adapter, { ...ADAPTER, ...PLAIN });
    strictEqual(config["base_model_name_or_path"], "tiny");
    checkAdapter(CONFIG, adapter);
    // A later one takes its place.
    await writeAdapter(folder, { ...ADAPTER, alpha: 5 }, TINY_BASE);
    strictEqual((await readAdapter(folder)).alpha, 5);
  }));

Deno.test("an adapter's patterns and whole parameters are read again", () =>
  withFolder(async (root) => {
    const folder = `${root}/adapter`;
    const [first, second] = resolveTargets(CONFIG, ["k_proj"]);
    const pair = (rank: number) => ({
      a: new Float32Array(8 * rank).fill(rank),
      b: new Float32Array(4 * rank).fill(-rank),
    });
    const head = {
      name: "lm_head.weight",
      shape: [11, 8],
      data: new Float32Array(88).fill(2),
    };
    const adapter: Adapter = {
      ...ADAPTER,
      rslora: true,
      rankPattern: { "layers.1.self_attn.k_proj": 3 },
      alphaPattern: { "^model.layers.0.self_attn.k_proj": 0.5, "k_proj": 4 },
      tensors: new Map([[first!, pair(2)], [second!, pair(3)]]),
      replaced: [head],
    };
    await writeAdapter(folder, adapter, TINY_BASE);
    const { config, ...read } = await readAdapter(folder);
    deepStrictEqual(read, { ...adapter, ...PLAIN });
    deepStrictEqual(config["modules_to_save"], ["lm_head"]);
    checkAdapter(CONFIG, read);
  }));

Deno.test("an adapter of some layers names their modules", () =>
  withFolder(async (root) => {
    const folder = `${root}/adapter`;
    const tensors = new Map([...ADAPTER.tensors].slice(0, 1));
    await writeAdapter(folder, { ...ADAPTER, tensors }, TINY_BASE);
    const { config } = await readAdapter(folder);
    deepStrictEqual(config["target_modules"], [
      "model.layers.0.self_attn.k_proj",
    ]);
  }));

Deno.test({
  name: "PEFT's own adapter is read, and written byte for byte " +
    "(ignored without ../shared)",
  ignore: !hasGolden,
  fn: () =>
    withFolder(async (root) => {
      const { config, ...adapter } = await readAdapter(GOLDEN);
      strictEqual(adapter.rank, 4);
      strictEqual(adapter.alpha, 8);
      strictEqual(adapter.tensors.size, 35);
      const base = await readConfig(STORIES);
      checkAdapter(base, adapter);
      deepStrictEqual(
        [...adapter.tensors.keys()].sort(),
        resolveTargets(base, "all-linear").sort(),
      );
      const out = `${root}/out`;
      await writeAdapter(out, adapter, {
        baseModel: "stories260K",
        config: base,
      });
      deepStrictEqual(
        await Deno.readFile(`${out}/adapter_model.safetensors`),
        await Deno.readFile(`${GOLDEN}/adapter_model.safetensors`),
      );
      const written = (await readAdapter(out)).config;
      for (const [field, value] of Object.entries(written)) {
        if (FREE.includes(field)) continue;
        deepStrictEqual(sorted(value), sorted(config[field]), field);
      }
    }),
});

/** Fields that may differ: PEFT did not know the task. */
const FREE = ["auto_mapping", "task_type"];
/** PEFT orders modules by chance. */
const sorted = (value: unknown) =>
  Array.isArray(value) ? value.toSorted() : value;

for (
  const [field, value] of Object.entries({
    "peft_type": "LOHA",
    "bias": "all",
    "use_dora": "yes",
    "lora_bias": true,
    "use_rslora": "yes",
    "rank_pattern": { "((k|q)_)+proj": 8 },
    "alpha_pattern": { "(?P<layer>\\d)": 8 },
    "modules_to_save": "lm_head",
    "ensure_weight_tying": "yes",
    "trainable_token_indices": [1],
    "alora_invocation_tokens": [1],
    "layer_replication": [[0, 1]],
    "a_field_of_the_future": 1,
    "init_lora_weights": "pissa",
    "r": 0,
    "lora_alpha": "8",
  })
) {
  Deno.test(`an adapter with ${field} ${JSON.stringify(value)} is refused`, () =>
    withFolder(async (root) => {
      const folder = `${root}/adapter`;
      await writeAdapter(folder, ADAPTER, TINY_BASE);
      const { config } = await readAdapter(folder);
      const path = `${folder}/adapter_config.json`;
      await putJson(path, { ...config, [field]: value });
      await rejects(
        readAdapter(folder),
        (error: Error) =>
          error.message.startsWith(
            `Cannot read ${path}: field "${field}" is ` + JSON.stringify(value),
          ),
      );
    }));
}

Deno.test("an adapter's missing, odd, misshapen and NaN tensors are named", () =>
  withFolder(async (root) => {
    const folder = `${root}/adapter`;
    await writeAdapter(folder, ADAPTER, TINY_BASE);
    const module = "base_model.model.model.layers.0.self_attn.k_proj";
    const a = {
      name: `${module}.lora_A.weight`,
      shape: [2, 8],
      data: new Float32Array(16),
    };
    const b = {
      name: `${module}.lora_B.weight`,
      shape: [4, 2],
      data: new Float32Array(8),
    };
    const odd = { ...b, name: `${module}.lora_magnitude_vector` };
    const nan = { ...b, data: new Float32Array(8).fill(NaN) };
    for (
      const [tensors, message] of [
        [[a], /adapter_model.safetensors: no tensor ".*k_proj.lora_B.weight"/],
        [
          [a, b, odd],
          /Unknown tensor ".*lora_magnitude_vector" in .*adapter_m/,
        ],
        [
          [a, { ...b, shape: [2, 4] }],
          /"\S+lora_B.weight" of \S+ has shape \[2,4\], expected rank 2 on axis 1/,
        ],
        [[a, nan], /lora_B.weight" of \S+ is NaN at element 0/],
      ] as const
    ) {
      await writeSafetensors(`${folder}/adapter_model.safetensors`, tensors);
      await rejects(readAdapter(folder), message);
    }
    await Deno.remove(`${folder}/adapter_model.safetensors`);
    await rejects(readAdapter(folder), /adapter_model.safetensors: No such/);
    await rejects(readAdapter(root), /adapter_config.json: No such/);
  }));

Deno.test("a module that is to be whole must be in the file", () =>
  withFolder(async (root) => {
    const folder = `${root}/adapter`;
    await writeAdapter(folder, ADAPTER, TINY_BASE);
    const { config } = await readAdapter(folder);
    const path = `${folder}/adapter_config.json`;
    await putJson(path, { ...config, "modules_to_save": ["wte"] });
    await rejects(
      readAdapter(folder),
      /expected a tensor of "wte".*found none/,
    );
  }));

Deno.test("a replaced embedding or head is no longer the other one", () => {
  const data = new Float32Array(88);
  const whole = (name: string) => ({ name, shape: [11, 8], data });
  const embedding = whole("model.embed_tokens.weight");
  const head = { ...whole("lm_head.weight"), data: data.with(87, 1) };
  for (const replaced of [[embedding], [head], [embedding, head]]) {
    const adapter = { ...ADAPTER, replaced };
    checkAdapter(CONFIG, adapter);
    strictEqual(adaptedConfig(CONFIG, adapter).tiedHead, false);
  }
  for (const part of ["replaced", "stored"]) {
    throws(
      () =>
        checkAdapter(CONFIG, {
          ...{ ...ADAPTER, tied: true },
          [part]: [embedding, head],
        }),
      /stores model.embed_tokens.weight and lm_head.weight with different/,
    );
  }
  const both = [embedding, whole("lm_head.weight")];
  strictEqual(
    adaptedConfig(CONFIG, { tensors: new Map(), replaced: both }).tiedHead,
    false,
  );
  strictEqual(
    adaptedConfig(CONFIG, { tensors: new Map(), replaced: [] }).tiedHead,
    true,
  );
});

Deno.test("an adapter for another model is refused with both shapes", () => {
  const other = { ...CONFIG, hiddenSize: 10 };
  throws(
    () => checkAdapter(other, ADAPTER),
    /"model.layers.0.self_attn.k_proj.weight" of shape \[4,8\].*has \[4,10\]/,
  );
  const norm = {
    name: "model.norm.weight",
    shape: [4],
    data: new Float32Array(4),
  };
  throws(
    () => checkAdapter(CONFIG, { ...ADAPTER, replaced: [norm] }),
    /"model.norm.weight" of shape \[4\] \(whole\), the model has \[8\]/,
  );
  throws(
    () => checkAdapter({ ...CONFIG, layers: 1 }, ADAPTER),
    /"model.layers.1.self_attn.k_proj.weight".*has no such weight/,
  );
});
