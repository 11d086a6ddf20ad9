import { strictEqual } from "node:assert/strict";
import { editJson } from "lib/models/config_json/edit_json.ts";

Deno.test("fields are changed, added and dropped; other numbers stay as they are spelled", () => {
  const text = '{"cap": 30.0, "rope": {"theta": 1e6, "sizes": [1.50, 2]}, ' +
    '"dtype": "bfloat16", "tied": true, "window": null, "scale": -0.0}';
  const fields = { "dtype": undefined, "tied": false, "added": 0.5 };
  strictEqual(
    editJson(text, fields).replaceAll(/\s+/g, " "),
    '{ "cap": 30.0, "rope": { "theta": 1e6, "sizes": [ 1.50, 2 ] }, ' +
      '"tied": false, "window": null, "scale": -0.0, "added": 0.5 } ',
  );
});
