import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { keptValue } from "lib/experiment/kept_value.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const VALUE = {
  weights: new Map([["w", Float32Array.of(1.1, -0, NaN, 1e-40)]]),
  rows: [{ step: 1, loss: null }],
};

/** Asks for the value; tells how often it was made. */
async function ask<T>(path: string, value: T) {
  let made = 0;
  const found = await keptValue(path, () => {
    made++;
    return Promise.resolve(value);
  });
  return { found, made };
}

Deno.test("a value is made once, and read bit for bit", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "value");
  const bits = ({ weights }: typeof VALUE) => {
    const { buffer, byteOffset, byteLength } = weights.get("w")!;
    return [...new Uint8Array(buffer, byteOffset, byteLength)];
  };
  for (const times of [1, 0]) {
    const { found, made } = await ask(path, VALUE);
    equal(made, times);
    deepEqual(found.rows, VALUE.rows);
    deepEqual(bits(found), bits(VALUE));
  }
});

Deno.test("a value whose file is damaged is made again", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "value");
  await ask(path, VALUE);
  const sound = Deno.readFileSync(path);
  const flipped = sound.with(sound.length - 5, sound.at(-5)! ^ 1);
  for (const bytes of [flipped, sound.slice(0, -1), sound.slice(0, 40), []]) {
    Deno.writeFileSync(path, Uint8Array.from(bytes));
    equal((await ask(path, VALUE)).made, 1);
    deepEqual(Deno.readFileSync(path), sound);
  }
});

Deno.test("a value that cannot be written down is made each time", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "value");
  const double = (x: number) => 2 * x;
  for (const _ of [1, 2]) {
    deepEqual(await ask(path, { double }), { found: { double }, made: 1 });
  }
  equal([...Deno.readDirSync(folder.path)].length, 0);
});
