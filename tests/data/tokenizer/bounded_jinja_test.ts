import { strictEqual, throws } from "node:assert/strict";
import {
  parseTemplate,
  renderTemplate,
} from "lib/data/tokenizer/bounded_jinja.ts";

const render = (source: string, variables = {}) =>
  renderTemplate(parseTemplate(source), variables);

Deno.test("a template sees the globals of Python's Jinja, and its variables", () => {
  strictEqual(
    render(
      "{{ range(3) | tojson }}{{ range(5, 1, -2) | tojson }}{{ range(0) | tojson }}" +
        "{{ true }}{{ False }}{{ none is none }}{{ x }}",
      { x: "!" },
    ),
    "[0, 1, 2][5, 3][]truefalsetrue!",
  );
  throws(() => render("{{ raise_exception('no system') }}"), /^Error: no sys/);
});

const DOUBLINGS = "{% set x = x + x %}".repeat(40);

for (
  const [what, source, message] of [
    ["a long range", "{{ range(10000000000) }}", /range\(\) of 10000000000/],
    ["a range without a step", "{{ range(0, 1, 0) }}", /range\(\) of Infinity/],
    [
      "loops in loops",
      "{% for i in range(99999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
      /does too much/,
    ],
    [
      "macros that call themselves twice",
      "{% macro f(n) %}{% if n %}{{ f(n - 1) ~ f(n - 1) }}{% endif %}{% endmacro %}{{ f(99) }}",
      /does too much/,
    ],
    ["a text doubled", `{% set x = 'a' %}${DOUBLINGS}`, /text or list of 8388/],
    ["a list doubled", `{% set x = [1] %}${DOUBLINGS}`, /does too much/],
    ["much source", "x".repeat(1 << 19), /source has 524288 characters/],
    ["many blanks", " ".repeat(1e5), /run of white space of more than 1000/],
    ["deep brackets", `{{ ${"[".repeat(1e5)} }}`, RangeError],
  ] as const
) {
  Deno.test(`a template with ${what} is stopped`, () => {
    throws(() => render(source), message);
  });
}
