import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type Adapter,
  checkAdapter,
  readAdapter,
  resolveTargets,
  writeAdapter,
} from "lib/models/adapter.ts";
import { type DecoderConfig, readConfig } from "lib/models/config.ts";
import { writeSafetensors } from "lib/models/safetensors.ts";
import { putJson, putTinyModel, withFolder } from "./tiny_model.ts";

const shared = (path: string) =>
  fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
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

/** Rank 2 on one projection of 8 inputs and 4 outputs in both layers. */
const ADAPTER: Adapter = {
  rank: 2,
  alpha: 3,
  targets: ["k_proj"],
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

Deno.test("an adapter that is written is read again", () =>
  withFolder(async (root) => {
    const folder = `${root}/adapter`;
    await writeAdapter(folder, ADAPTER, { baseModel: "tiny" });
    const { config, ...adapter } = await readAdapter(folder);
    deepStrictEqual(adapter, ADAPTER);
    strictEqual(config["base_model_name_or_path"], "tiny");
    checkAdapter(CONFIG, adapter);
    // A later one takes its place.
    await writeAdapter(folder, { ...ADAPTER, alpha: 5 }, { baseModel: "tiny" });
    strictEqual((await readAdapter(folder)).alpha, 5);
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
      const listed = config["target_modules"] as string[];
      deepStrictEqual(adapter.targets.toSorted(), listed.toSorted());
      const base = await readConfig(STORIES);
      checkAdapter(base, adapter);
      deepStrictEqual(
        [...adapter.tensors.keys()].sort(),
        resolveTargets(base, "all-linear").sort(),
      );
      const out = `${root}/out`;
      await writeAdapter(out, adapter, { baseModel: "stories260K" });
      deepStrictEqual(
        await Deno.readFile(`${out}/adapter_model.safetensors`),
        await Deno.readFile(`${GOLDEN}/adapter_model.safetensors`),
      );
      const written = (await readAdapter(out)).config;
      for (const [field, value] of Object.entries(written)) {
        if (FREE.includes(field)) continue;
        deepStrictEqual(value, config[field], field);
      }
    }),
});

/** What may differ: PEFT was not told the task, and orders modules by chance. */
const FREE = ["auto_mapping", "task_type", "target_modules"];

for (
  const [field, value] of Object.entries({
    "peft_type": "LOHA",
    "bias": "all",
    "use_dora": true,
    "use_rslora": true,
    "lora_bias": true,
    "fan_in_fan_out": true,
    "rank_pattern": { "k_proj": 8 },
    "alpha_pattern": { "k_proj": 8 },
    "modules_to_save": ["lm_head"],
    "trainable_token_indices": [1],
    "init_lora_weights": "pissa",
    "r": 0,
    "lora_alpha": "8",
  })
) {
  Deno.test(`an adapter with ${field} ${JSON.stringify(value)} is refused`, () =>
    withFolder(async (root) => {
      const folder = `${root}/adapter`;
      await writeAdapter(folder, ADAPTER, { baseModel: "tiny" });
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
    await writeAdapter(folder, ADAPTER, { baseModel: "tiny" });
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

Deno.test("targets are found by name, in forward order", () => {
  const layer = (i: number, modules: string[]) =>
    modules.map((module) => `model.layers.${i}.${module}.weight`);
  const modules = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
  ];
  deepStrictEqual(
    resolveTargets({ ...CONFIG, tiedHead: false }, "all-linear"),
    [...layer(0, modules), ...layer(1, modules)],
  );
  const some = ["self_attn.q_proj", "mlp.up_proj"];
  deepStrictEqual(
    resolveTargets(CONFIG, ["up_proj", "q_proj", "self_attn.q_proj"]),
    [...layer(0, some), ...layer(1, some)],
  );
  deepStrictEqual(
    resolveTargets(CONFIG, ["model.layers.1.mlp.up_proj"]),
    layer(1, ["mlp.up_proj"]),
  );
});

Deno.test("an unknown target is refused with the known ones", () => {
  for (const target of ["proj", "c_attn", "lm_head", ""]) {
    throws(
      () => resolveTargets(CONFIG, ["q_proj", target]),
      new RegExp(`target "${target}": expected all-linear .*q_proj, k_proj`),
    );
  }
});

Deno.test("an adapter for another model is refused with both shapes", () => {
  const other = { ...CONFIG, hiddenSize: 10 };
  throws(
    () => checkAdapter(other, ADAPTER),
    /"model.layers.0.self_attn.k_proj.weight" of shape \[4,8\].*has \[4,10\]/,
  );
  throws(
    () => checkAdapter({ ...CONFIG, layers: 1 }, ADAPTER),
    /"model.layers.1.self_attn.k_proj.weight".*has no such weight/,
  );
});
