import { rejects, throws } from "node:assert/strict";
import { openConfig } from "lib/models/config_json/config_reader.ts";
import { withFolder } from "../tiny_model.ts";

Deno.test("numbers that no size or setting can be are refused by field", () =>
  withFolder(async (folder) => {
    const path = `${folder}/config.json`;
    for (const number of ["1e999", "-1", "0", "2147483648", "1.5", "null"]) {
      await Deno.writeTextFile(path, `{"layers": ${number}}`);
      const fields = await openConfig(path);
      throws(() => fields.count("layers"), /config.json: field "layers" is/);
    }
    await Deno.writeTextFile(path, '{"theta": 1e999}');
    const fields = await openConfig(path);
    throws(() => fields.positive("theta"), /field "theta" is null, expected/);
    await Deno.writeTextFile(path, '{"theta": Infinity}');
    await rejects(openConfig(path), /Cannot read JSON of .*config.json: /);
  }));

Deno.test("a long value is cut where an error shows it", () =>
  withFolder(async (folder) => {
    const path = `${folder}/config.json`;
    await Deno.writeTextFile(path, JSON.stringify({ layers: "a".repeat(1e6) }));
    const fields = await openConfig(path);
    throws(
      () => fields.count("layers"),
      /"layers" is "a{99}…, expected a whole/,
    );
  }));
