import { strictEqual, throws } from "node:assert/strict";
import { compileTemplate } from "lib/data/tokenizer/python_jinja.ts";

const render = (source: string, variables = {}) =>
  compileTemplate(source)(variables, new Date());

Deno.test("a template sees the globals of Python's Jinja, and its variables", () => {
  strictEqual(
    render(
      "{{ range(3) | list }}{{ range(5, 1, -2) | list }}{{ range(0) | list }}" +
        "{{ true }}{{ False }}{{ none is none }}{{ x }}",
      { x: "!" },
    ),
    "[0, 1, 2][5, 3][]TrueFalseTrue!",
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
    [
      "a list of itself, written",
      `{% set x = [1] %}${"{% set x = [x, x] %}".repeat(40)}{{ x }}`,
      /text or list of/,
    ],
    [
      "lists of themselves, compared",
      `{% set x = [1] %}{% set y = [1] %}${
        "{% set x = [x, x] %}{% set y = [y, y] %}".repeat(20)
      }{% for i in range(99) %}{{ x == y }}{% endfor %}`,
      /does too much/,
    ],
    ["a text repeated", "{{ 'a' * 999999999 }}", /text or list of 99999999/],
    [
      "a text replaced by a longer one",
      "{{ ('a' * 4000000) | replace('a', 'a' * 4000000) }}",
      /text or list of/,
    ],
    [
      "a wide indent",
      "{{ ('\\n' * 100000) | indent(100000) }}",
      /text or list of/,
    ],
    ...[
      "s | length",
      "s[0]",
      "s[:1]",
      "s.count('b')",
      "s.a is defined",
      "s is lower",
      "s | first",
      "'b' in s",
      "s == t",
      "s < t",
    ].map((work) =>
      [
        `${work}, of a long text, again and again`,
        `{% set s = 'a' * 4000000 %}{% set t = s ~ 'b' %}` +
        `{% for i in range(100000) %}{% set x = ${work} %}{% endfor %}`,
        /does too much/,
      ] as const
    ),
    ...[
      "r.index(99999)",
      "r.count(1)",
      "99999 in r",
      "r == q",
      "r | max",
      "r | unique",
      "r | last == r | join | length",
    ].map((work) =>
      [
        `${work}, of a long list, again and again`,
        `{% set r = range(100000) | list %}{% set q = range(100000) | list %}` +
        `{% for i in range(100000) %}{% set x = ${work} %}{% endfor %}`,
        /does too much/,
      ] as const
    ),
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
