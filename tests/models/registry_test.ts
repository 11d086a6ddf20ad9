import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FAMILIES, GGUF_TYPES, MODEL_TYPES } from "lib/models/registry.ts";
import { checkout } from "../places.ts";

Deno.test("each file of the folder exports one family, and each is listed", async () => {
  const exported = [];
  for (const { name } of Deno.readDirSync(checkout("lib/models/families"))) {
    const module: object = await import(
      import.meta.resolve(`lib/models/families/${name}`)
    );
    exported.push(...Object.values(module));
    strictEqual(Object.keys(module).length, 1, name);
  }
  deepStrictEqual(new Set(exported), new Set(FAMILIES));
  strictEqual(exported.length, FAMILIES.length);
});

Deno.test("no two families have a name in common", () => {
  const types = FAMILIES.flatMap(({ types, refused = {} }) => [
    ...Object.keys(types),
    ...Object.keys(refused),
  ]);
  strictEqual(new Set(types).size, types.length);
  const stored = [...MODEL_TYPES.values()].filter(({ gguf }) => gguf);
  strictEqual(GGUF_TYPES.size, stored.length);
});
