import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { checkout } from "./places.ts";

/**
 * The YAML that CITATION.cff is written in: scalars, folded texts, and lists of
 * texts or of a single key each.
 */
function parsed(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (
    const [, name, value, rest] of text.matchAll(
      /^([a-z-]+):(.*)\n((?: .*\n)*)/gm,
    )
  ) {
    const lines = rest!.trim().split("\n").map((line) => line.trim());
    fields[name!] = value === " >-"
      ? lines.join(" ")
      : value === ""
      ? lines.map((line) => line.replace(/^- /, ""))
      : value!.trim();
  }
  return fields;
}

// https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema-guide.md
Deno.test("CITATION.cff has what the Citation File Format 1.2.0 asks for", () => {
  const text = Deno.readTextFileSync(checkout("CITATION.cff"));
  const fields = parsed(text);
  // Nothing else is in the file: each line belongs to a field.
  const lines = text.trimEnd().split("\n");
  const top = lines.filter((line) => !line.startsWith(" "));
  strictEqual(top.length, Object.keys(fields).length);
  const required = ["authors", "cff-version", "message", "title"];
  const optional = ["abstract", "keywords", "license", "type", "version"];
  deepStrictEqual(
    Object.keys(fields).sort(),
    [...required, ...optional].sort(),
  );
  strictEqual(fields["cff-version"], "1.2.0");
  strictEqual(fields["type"], "software");
  deepStrictEqual(fields["authors"], ["name: The prefgrad authors"]);
  const { keywords } = fields;
  ok(Array.isArray(keywords) && new Set(keywords).size === keywords.length);
  ok(lines.every((line) => !line.includes("\t")));
});

Deno.test("CITATION.cff has the version of deno.json and the licence of LICENSE", () => {
  const { version, license, title } = parsed(
    Deno.readTextFileSync(checkout("CITATION.cff")),
  );
  deepStrictEqual({ version, license }, {
    version: config.version,
    license: config.license,
  });
  strictEqual(config.name.split("/")[1], title);
  const text = Deno.readTextFileSync(checkout("LICENSE"));
  ok(text.startsWith(`${config.license} License`));
});
