import { strictEqual } from "node:assert/strict";
import { readGguf } from "lib/models/gguf/gguf_file.ts";
import { elementsOf, expected, ggufFile, hashOf } from "./fixture.ts";

// All scales that a float16 can have, and blocks of one byte.
for (
  const [name, hash] of Object.entries(
    expected<Record<string, string>>("blocks"),
  )
) {
  Deno.test(`any bits of ${name} become the float32 that Python's gguf has`, async () => {
    const { path, tensors } = await readGguf(ggufFile("blocks"));
    const tensor = tensors.get(name)!;
    const conversion = { name, tensor, arrangement: {}, headDim: 1 };
    strictEqual(hashOf(elementsOf(path, conversion)), hash);
  });
}
