import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readConfig } from "lib/models/read_config.ts";
import { configOf } from "./config_of.ts";
import { putJson, TINY, withFolder } from "./tiny_model.ts";

/** The configuration of a tiny Llama with changes. */
const changed = (
  changes: Record<string, unknown>,
  generation?: Record<string, unknown>,
) => configOf({ ...TINY, ...changes }, generation);

Deno.test("a Llama configuration is read, with transformers' defaults", async () => {
  deepStrictEqual(await changed({}), {
    vocabSize: 11,
    hiddenSize: 8,
    intermediateSize: 6,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 4,
    normEpsilon: 1e-5,
    rope: { theta: 10000, scaling: null },
    maxPositions: 32,
    tiedHead: true,
    bosId: 1,
    eosIds: [2],
  });
  const sparse = await changed({
    "num_key_value_heads": undefined,
    "rms_norm_eps": undefined,
    "rope_theta": undefined,
    "max_position_embeddings": undefined,
    "tie_word_embeddings": undefined,
  });
  strictEqual(sparse.kvHeads, 2);
  strictEqual(sparse.normEpsilon, 1e-6);
  strictEqual(sparse.rope?.theta, 10000);
  strictEqual(sparse.maxPositions, 2048);
  strictEqual(sparse.tiedHead, false);
  strictEqual((await changed({ "head_dim": 6 })).headDim, 6);
});

Deno.test("token ids may be one, a list or none; generation_config wins", async () => {
  const none = await changed({ "bos_token_id": null, "eos_token_id": null });
  strictEqual(none.bosId, null);
  deepStrictEqual(none.eosIds, []);
  deepStrictEqual((await changed({ "eos_token_id": [3, 4] })).eosIds, [3, 4]);
  const both = await changed({ "eos_token_id": 3 }, {
    "eos_token_id": [4, 5],
  });
  deepStrictEqual(both.eosIds, [4, 5]);
  deepStrictEqual((await changed({ "eos_token_id": 3 }, {})).eosIds, [3]);
});

const LLAMA3 = {
  factor: 32,
  "low_freq_factor": 1,
  "high_freq_factor": 4,
  "original_max_position_embeddings": 8192,
};

Deno.test("rotary settings are read from old and new places alike", async () => {
  const old = await changed({
    "rope_theta": 5e5,
    "rope_scaling": { ...LLAMA3, "rope_type": "llama3" },
  });
  deepStrictEqual(old.rope, {
    theta: 5e5,
    scaling: {
      kind: "llama3",
      factor: 32,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192,
    },
  });
  for (
    const changes of [
      { "rope_theta": 5e5, "rope_scaling": { ...LLAMA3, type: "llama3" } },
      {
        "rope_theta": undefined,
        "rope_parameters": {
          ...LLAMA3,
          "rope_type": "llama3",
          "rope_theta": 5e5,
        },
      },
    ]
  ) deepStrictEqual((await changed(changes)).rope, old.rope);
  const plain = await changed({
    "rope_theta": undefined,
    "rope_parameters": { "rope_type": "default", "rope_theta": 7 },
  });
  deepStrictEqual(plain.rope, { theta: 7, scaling: null });
  const both = await changed({
    "rope_theta": 9,
    "rope_parameters": { "rope_type": "default", "rope_theta": 7 },
    "rope_scaling": { "rope_type": "linear", factor: 2 },
  });
  deepStrictEqual(both.rope, {
    theta: 9,
    scaling: { kind: "linear", factor: 2 },
  });
});

for (
  const [changes, message] of [
    [
      { "model_type": "mamba" },
      /"model_type" is "mamba", expected one of: llama/,
    ],
    [{ "model_type": "constructor" }, /"model_type" is "constructor"/],
    [{ "model_type": null }, /"model_type" is null/],
    [
      { "hidden_act": "relu" },
      /"hidden_act" is "relu", expected one of: silu,/,
    ],
    [
      { "model_type": "gemma3" },
      /"model_type" is "gemma3", expected "gemma3_text".* save the text model/,
    ],
    [
      { "partial_rotary_factor": 0.5 },
      /"partial_rotary_factor" is 0.5, expected 1/,
    ],
    [
      { "rope_parameters": { "full_attention": { "rope_theta": 7 } } },
      /"rope_parameters.full_attention" is {.*}, expected a number or a text/,
    ],
    [
      { "quantization_config": { bits: 4 } },
      /"quantization_config" is {"bits":4}, expected none/,
    ],
    [
      {
        "model_type": "gemma3_text",
        "rope_scaling": { type: "linear", factor: 8 },
      },
      /"rope_scaling.type" is "linear", expected the name "rope_type" in its/,
    ],
    [
      { "quantization": { "group_size": 64, "bits": 4 } },
      /"quantization" is {"group_size":64,"bits":4}, expected none/,
    ],
    [
      { "rope_scaling": { "rope_type": "longrope", "long_factor": [2, 2] } },
      /"rope_scaling.rope_type" is "longrope", expected one of: default, dynamic, linear/,
    ],
    [
      { "rope_scaling": { type: "dynamic" } },
      /"rope_scaling.factor" is missing, expected a number above 0/,
    ],
    [
      { "rope_scaling": { ...LLAMA3, type: "llama3", factor: null } },
      /"rope_scaling.factor" is null, expected a number above 0/,
    ],
    [
      {
        "rope_parameters": { ...LLAMA3, type: "llama3", "low_freq_factor": 4 },
      },
      /"rope_parameters.high_freq_factor" is 4, expected more/,
    ],
    [{ "rope_scaling": 2 }, /"rope_scaling" is 2, expected an object/],
    [{ "hidden_size": "8" }, /"hidden_size" is "8", expected a whole number/],
    [{ "vocab_size": undefined }, /"vocab_size" is missing/],
    [
      { "num_key_value_heads": 3 },
      /"num_key_value_heads" is 3, expected a div/,
    ],
    [{ "head_dim": 5 }, /"head_dim" is 5, expected an even number/],
    [{ "tie_word_embeddings": 1 }, /"tie_word_embeddings" is 1, expected true/],
    [{ "eos_token_id": "</s>" }, /"eos_token_id" is "<\/s>", expected a token/],
  ] as const
) {
  Deno.test(`config.json with ${JSON.stringify(changes)} is refused`, () =>
    rejects(changed(changes), message));
}

Deno.test("a config.json that is missing or broken is named", () =>
  withFolder(async (folder) => {
    await rejects(readConfig(folder), /config.json: No such file/);
    for (const text of ["{", "[]", ""]) {
      await Deno.writeTextFile(`${folder}/config.json`, text);
      await rejects(readConfig(folder), /Cannot read .*config.json: /);
    }
    await putJson(`${folder}/config.json`, TINY);
    await Deno.writeTextFile(`${folder}/generation_config.json`, "{");
    await rejects(readConfig(folder), /generation_config.json/);
  }));
