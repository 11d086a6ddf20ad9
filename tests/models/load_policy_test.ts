import { notStrictEqual, strictEqual } from "node:assert/strict";
import { loadPolicy } from "lib/models/load_policy.ts";
import { putPair } from "./random_pair.ts";
import { putJson, withFolder } from "./tiny_model.ts";

// References are cached under it.
Deno.test("an adapter's hash follows its updates, however they are stored", () =>
  withFolder(async (root) => {
    const { model, adapter: folder } = await putPair(root);
    const path = `${folder}/adapter_config.json`;
    const config = JSON.parse(await Deno.readTextFile(path));
    const hashWith = async (changes: Record<string, unknown>) => {
      await putJson(path, { ...config, ...changes });
      const { adapterHash } = await loadPolicy(model, {
        kind: "adapter",
        folder,
      });
      return adapterHash;
    };
    const hash = await hashWith({});
    strictEqual(await hashWith({ "inference_mode": false }), hash);
    notStrictEqual(await hashWith({ "lora_alpha": 6 }), hash);
    notStrictEqual(await hashWith({ "use_rslora": false }), hash);
  }));
