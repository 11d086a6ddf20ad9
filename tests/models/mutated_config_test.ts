import { ok } from "node:assert/strict";
import { parameterNames } from "lib/models/parameters.ts";
import { readConfig } from "lib/models/read_config.ts";
import { fixture } from "../places.ts";
import { withFolder } from "./tiny_model.ts";

const FIXTURES = fixture("architectures");

/** Ends of ranges, for every number that a config.json has. */
const NUMBERS = "0 -1 0.5 1000000000 2147483647 1e308 1e999 null".split(" ");
const NUMBER = /(?<=[:,[])-?\d+(\.\d+)?(e[+-]?\d+)?/g;

/** Texts with one number replaced, for each number. */
function mutated(text: string): string[] {
  return [...text.matchAll(NUMBER)].flatMap(({ 0: found, index }) =>
    NUMBERS.map((number) =>
      text.slice(0, index) + number + text.slice(index + found.length)
    )
  );
}

for (const { name } of Deno.readDirSync(FIXTURES)) {
  if (!name.endsWith(".json")) continue;
  Deno.test(`config.json of ${name} with absurd numbers is read or refused at once`, () =>
    withFolder(async (folder) => {
      const text = await Deno.readTextFile(`${FIXTURES}/${name}`);
      const path = `${folder}/config.json`;
      for (const changed of mutated(JSON.stringify(JSON.parse(text).config))) {
        await Deno.writeTextFile(path, changed);
        const start = performance.now();
        const message = await readConfig(folder).then(parameterNames)
          .then(() => path, (error) => error.message);
        ok(performance.now() - start < 2000, changed);
        ok(message.includes(path), `${message}: ${changed}`);
      }
    }));
}
