import { writeAdapter } from "lib/models/adapter/adapter_folder.ts";
import { readConfig } from "lib/models/read_config.ts";
import { resolveTargets } from "lib/models/adapter/lora_targets.ts";
import { loraParameters } from "lib/models/policy.ts";
import { Rng } from "lib/rng.ts";
import { randomized } from "../scripts/tiny_training.ts";
import { putTinyModel } from "./tiny_model.ts";

/** Writes a random model, and a random adapter of its linear layers and head. */
export async function putPair(
  root: string,
): Promise<{ model: string; adapter: string }> {
  const [model, adapter] = [`${root}/model`, `${root}/adapter`];
  await Deno.mkdir(model);
  await putTinyModel(model, randomized);
  const known = await readConfig(model);
  const rng = new Rng("adapter");
  const targets = resolveTargets(known, "all-linear");
  const scaling = {
    rank: 3,
    alpha: 5,
    rslora: true,
    rankPattern: { "o_proj": 2 },
    alphaPattern: { "layers.1.mlp.up_proj": 7 },
  };
  const values = new Map(
    loraParameters(known, { ...scaling, targets }).map(({ name, shape }) => {
      const length = shape.reduce((a, b) => a * b);
      return [name, Float32Array.from({ length }, () => 0.3 * rng.normal())];
    }),
  );
  await writeAdapter(adapter, {
    ...scaling,
    tensors: new Map(targets.map((name) => [name, {
      a: values.get(`${name}.lora_A`)!,
      b: values.get(`${name}.lora_B`)!,
    }])),
    replaced: ["lm_head", "model.norm"].map((module) => {
      const shape = module === "lm_head" ? [11, 8] : [8];
      const length = shape.reduce((a, b) => a * b);
      const data = Float32Array.from({ length }, () => rng.normal());
      return { name: `${module}.weight`, shape, data };
    }),
  }, { baseModel: "tiny", config: known });
  return { model, adapter };
}
