import { match, ok } from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import {
  readAdapter,
  writeAdapter,
} from "lib/models/adapter/adapter_folder.ts";
import { readConfig } from "lib/models/read_config.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { Rng } from "lib/rng.ts";
import { withByteTokenizer } from "../data/byte_tokenizer.ts";
import { putJson, putTinyModel, tensorsFor } from "./tiny_model.ts";
import {
  BYTE_MUTATIONS,
  inHeader,
  JSON_MUTATIONS,
  type Mutation,
  pick,
} from "../mutate.ts";

const FILES = 2000;
const SHARDS = ["a.safetensors", "b.safetensors"];
const INDEX = "model.safetensors.index.json";
const TEMPLATE =
  "{% for m in messages %}{{ '<|user|>' + m.content }}{% endfor %}";

/** A tiny model in shards, with all that a folder may have, and an adapter. */
async function putEverything(folder: string): Promise<void> {
  await putTinyModel(folder);
  const tensors = await tensorsFor(folder);
  await Deno.remove(`${folder}/model.safetensors`);
  const places = tensors.map(({ name }, i) => [name, SHARDS[i % 2]] as const);
  await putJson(`${folder}/${INDEX}`, {
    metadata: { "total_size": 1 },
    "weight_map": Object.fromEntries(places),
  });
  for (const [which, shard] of SHARDS.entries()) {
    const part = tensors.filter((_, i) => i % 2 === which);
    await writeSafetensors(`${folder}/${shard}`, part);
  }
  await putJson(`${folder}/generation_config.json`, { "eos_token_id": [2, 3] });
  await putJson(`${folder}/special_tokens_map.json`, { "pad_token": "</s>" });
  const pair = { a: new Float32Array(8), b: new Float32Array(8) };
  await writeAdapter(`${folder}/adapter`, {
    rank: 1,
    alpha: 2,
    replaced: [],
    tensors: new Map([["model.layers.1.self_attn.q_proj.weight", pair]]),
  }, { baseModel: "tiny", config: await readConfig(folder) });
}

/** Loads the files of a model, or of an adapter in its folder. */
const LOADS: readonly (readonly [RegExp, (folder: string) => Promise<void>])[] =
  [
    [
      /^adapter\//,
      async (folder) => void await readAdapter(`${folder}/adapter`),
    ],
    [/token/, async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      tokenizer?.decode(tokenizer.encode("<s>the theory of 12 eggs</s>"));
      tokenizer?.chatTemplate?.render([{ role: "user", content: "Hi" }], {
        addGenerationPrompt: true,
      });
    }],
    [/./, async (folder) => {
      const { weights } = await loadPolicy(folder, {
        kind: "lora",
        rank: 1,
        alpha: 1,
        targets: "all-linear",
        uniform: () => 0.5,
      });
      for (const name of weights.names()) await weights.read(name);
    }],
  ];

/** The mutations of a file. */
const MUTATIONS: readonly (readonly [RegExp, readonly Mutation[]])[] = [
  [/\.json$/, [...BYTE_MUTATIONS, ...JSON_MUTATIONS]],
  [/\.safetensors$/, [
    ...BYTE_MUTATIONS,
    ...[...BYTE_MUTATIONS, ...JSON_MUTATIONS].map(inHeader),
  ]],
];

/** Files that may be named as well: those that a file says something of. */
const PARTNERS: ReadonlyMap<string, string> = new Map([
  [INDEX, "\\.safetensors"],
  ["adapter/adapter_config.json", "adapter_model.safetensors"],
]);

/** The error of loading, `null` without one, and the time it takes. */
async function attempt(load: () => Promise<void>) {
  const start = performance.now();
  const message = await load().then(() => null, (error) => error.message);
  return { message, seconds: (performance.now() - start) / 1000 };
}

function valueFor<T>(
  table: readonly (readonly [RegExp, T])[],
  name: string,
): T {
  return table.find(([pattern]) => pattern.test(name))![1];
}

Deno.test(`each of ${FILES} mutated files of a model loads or is refused by name`, () =>
  withByteTokenizer({
    merges: [["t", "h"], ["th", "e"]],
    config: { "chat_template": TEMPLATE },
    preTokenizer: { type: "Digits", "individual_digits": true },
  }, async (folder) => {
    await putEverything(folder);
    const rng = new Rng("mutated model");
    const names = [
      "adapter/adapter_config.json",
      "adapter/adapter_model.safetensors",
      ...Array.from(Deno.readDirSync(folder))
        .filter(({ isFile }) => isFile).map(({ name }) => name).sort(),
    ];
    for (const name of names) await valueFor(LOADS, name)(folder);
    const before = Deno.memoryUsage().rss;
    for (let i = 0; i < FILES; i++) {
      const name = names[i % names.length]!;
      const path = join(folder, name);
      const original = await Deno.readFile(path);
      const mutate = pick(valueFor(MUTATIONS, name), rng);
      await Deno.writeFile(path, mutate(original, rng));
      const load = () => attempt(() => valueFor(LOADS, name)(folder));
      const { message, seconds } = await load();
      const what = `mutation ${i}, of ${name}: ${message}`;
      // Once more where it was slow: others may have had the processor.
      ok(seconds < 1 || (await load()).seconds < 1, `${seconds} s at ${what}`);
      const named = new RegExp(`${name}|${PARTNERS.get(name) ?? name}`);
      if (message !== null) match(message, named, what);
      await Deno.writeFile(path, original);
    }
    const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
    ok(grown < 512, `${grown} MiB more than before`);
  }));
