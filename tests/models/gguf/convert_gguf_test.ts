import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { convertGguf } from "lib/models/gguf/convert_gguf.ts";
import { convertedShape } from "lib/models/gguf/convert_tensor.ts";
import { readGguf } from "lib/models/gguf/gguf_file.ts";
import { ggufFolder } from "lib/models/gguf/gguf_folder.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { elementsOf, expected, fixture, hashOf } from "./fixture.ts";

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
    // Which asserts that the folder is a model's.
    await ggufFolder(fixture(name), { sha256: name, cache: cache.path });
    const gguf = await readGguf(fixture(name));
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
