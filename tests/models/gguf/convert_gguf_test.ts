import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { convertGguf } from "lib/models/gguf/convert_gguf.ts";
import { convertedShape } from "lib/models/gguf/convert_tensor.ts";
import { readGguf } from "lib/models/gguf/gguf_file.ts";
import { ggufFolder } from "lib/models/gguf/gguf_folder.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { elementsOf, expected, ggufFile, hashOf } from "./fixture.ts";
import {
  entry,
  field,
  float32,
  numberField,
  rawGguf,
  textField,
} from "./raw_gguf.ts";

/** A tiny model as transformers has it, of which llama.cpp made a GGUF file. */
interface Family {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<
    Record<string, { readonly shape: number[]; readonly sha256: string }>
  >;
}

for (
  const [name, family] of Object.entries(
    expected<Record<string, Family>>("families"),
  )
) {
  Deno.test(`what llama.cpp made of ${name} becomes what it was`, async () => {
    using cache = temporaryFolder();
    // It checks that the folder is a model's.
    await ggufFolder(ggufFile(name), { sha256: name, cache: cache.path });
    const gguf = await readGguf(ggufFile(name));
    const { config, weights } = convertGguf(gguf);
    for (const [key, value] of Object.entries(family.config)) {
      deepStrictEqual(config[key], value, key);
    }
    deepStrictEqual(
      weights.map(({ name }) => name).toSorted(),
      Object.keys(family.tensors).toSorted(),
    );
    for (const conversion of weights) {
      const { shape, sha256 } = family.tensors[conversion.name]!;
      deepStrictEqual(convertedShape(conversion), shape, conversion.name);
      strictEqual(
        hashOf(elementsOf(gguf.path, conversion)),
        sha256,
        conversion.name,
      );
    }
  });
}

Deno.test("Gemma's largest models scale by their width, others by their heads", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/x.gguf`;
  for (
    const [architecture, layers, scalar] of [
      ["gemma2", 46, 4],
      ["gemma2", 42, 6],
      ["gemma3", 62, 4],
      ["gemma3", 48, 6],
    ] as const
  ) {
    const sizes = {
      "block_count": layers,
      "context_length": 8,
      "embedding_length": 8,
      "feed_forward_length": 4,
      "attention.head_count": 2,
      "attention.key_length": 6,
      "attention.value_length": 6,
      "attention.sliding_window": 4,
    };
    const epsilon = `${architecture}.attention.layer_norm_rms_epsilon`;
    const bytes = rawGguf({
      fields: [
        textField("general.architecture", architecture),
        ...Object.entries(sizes)
          .map(([key, size]) => numberField(`${architecture}.${key}`, size)),
        field(epsilon, 6, float32(1e-6)),
      ],
      entries: [entry("token_embd.weight", { sizes: [8, 4] })],
      data: 128,
    });
    await Deno.writeFile(path, bytes);
    const { config } = convertGguf(await readGguf(path));
    strictEqual(config["query_pre_attn_scalar"], scalar);
  }
});
