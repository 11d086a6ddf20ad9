import "../../files/json_source.ts";

/**
 * Changes fields of a JSON object in its text, and drops those that are
 * `undefined`. Other numbers keep their spelling: Python tells 30.0 from 30, and
 * transformers refuses the one in place of the other.
 *
 * @example
 * ```ts
 * import { editJson } from "lib/models/config_json/edit_json.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const text = editJson('{"cap": 30.0, "eps": 1e-05}', { eps: 1 });
 * strictEqual(text, '{\n  "cap": 30.0,\n  "eps": 1\n}\n');
 * ```
 */
export function editJson(
  text: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const values = JSON.parse(
    text,
    (_, value, { source }) =>
      typeof value === "number" ? JSON.rawJSON(source!) : value,
  );
  return JSON.stringify(Object.assign({}, values, fields), null, 2) + "\n";
}
