import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { readFixture } from "../fixture_models.ts";
import { compileTemplate } from "lib/data/tokenizer/python_jinja.ts";

const NOW = new Date(2025, 2, 5, 7, 8, 9);
const write = (source: string, variables = {}) =>
  compileTemplate(source)(variables, NOW);

/** A template, its variables, and what Python's Jinja writes. */
const SAME: [string, Record<string, unknown>, string][] = [
  ["[{{ x.strip() }}]", { x: " \n\u001c\u0085a\u0085 " }, "[a]"],
  ["[{{ x.strip() }}]", { x: "\ufeffa" }, "[\ufeffa]"],
  ["[{{ x.strip('\\n') }}]", { x: "\n a\r\n\n" }, "[ a\r]"],
  ["[{{ x.lstrip('ab') }}]", { x: "abacab" }, "[cab]"],
  ["[{{ x.rstrip('ab') }}]", { x: "abacab" }, "[abac]"],
  ["[{{ x.rstrip().lstrip('\\n') }}]", { x: "\n a \n" }, "[ a]"],
  ["[{{ x.y.strip('-') }}]", { x: { y: "-a-" } }, "[a]"],
  ["[{{ (x + ' ') | trim }}]", { x: " \u0085a" }, "[a]"],
  ["[{{ x.y | trim }}]", { x: {} }, "[]"],
  ["{% set x = ' a '.strip() %}[{{ x }}]", {}, "[a]"],
  ["{% if x.strip() == 'a' %}yes{% endif %}", { x: "a " }, "yes"],
  ["{{ {'k': ' v '.strip()} | tojson }}", {}, '{"k": "v"}'],
  [
    "{{ x | tojson }}",
    { x: [1e-5, 1e-7, 1.5, 0.0001, 3] },
    "[1e-05, 1e-07, 1.5, 0.0001, 3]",
  ],
  [
    "{{ x | tojson }}",
    { x: { a: '1e-5 \\" 1e-7 é<' } },
    '{"a": "1e-5 \\\\\\" 1e-7 é<"}',
  ],
  [
    "{{ x | tojson(indent=2) }}",
    { x: { a: [1] } },
    '{\n  "a": [\n    1\n  ]\n}',
  ],
  ["{{ 1 | string }}{{ 'a' | string }}", {}, "1a"],
  [
    "{{ strftime_now('%d %b %Y, %A %B %H:%M:%S %j'[:-3]) }}",
    {},
    "05 Mar 2025, Wednesday March 07:08:09",
  ],
  [
    "{% for i in x %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    { x: [1, 2, 3] },
    "13",
  ],
  ["a{% generation %}b{% endgeneration %}c", {}, "abc"],
  [
    "{{ x | sort | join }}{{ x | unique | join }}{{ x | max }}",
    { x: ["\uffee", "😀", "a", "\ud7ff", "a"] },
    "aa\ud7ff\uffee😀\uffee😀a\ud7ff😀",
  ],
];

for (const [source, variables, expected] of SAME) {
  Deno.test(`${source} of ${JSON.stringify(variables)} is as in Python`, () => {
    strictEqual(write(source, variables), expected);
  });
}

/** See tests/fixtures/tokenization/constructs.py. */
interface Constructs {
  data: unknown;
  values: string[];
  ways: string[];
  expected: (string | null)[][];
  sources: [string, string][];
}

const { data, values, ways, expected, sources }: Constructs = JSON.parse(
  readFixture("constructs.json"),
);

/** Why a template is refused that Python renders. */
const OURS = [
  /^cannot write a value of type (range|Namespace|Markup) as text$/,
  /^cannot use the method \w+ of a value of type Markup$/,
  /^cannot tell the digits of a number as large as /,
  /^cannot divide a value of type str/,
  /^Unexpected token: CloseParen$/, // (1,)
];

/** What a template writes; null where Python, too, must refuse it. */
function writeOrRefuse(source: string, python: string | null): string | null {
  try {
    return write(source, { v: data });
  } catch (error) {
    const { message } = error as Error;
    const isOurs = OURS.some((reason) => reason.test(message));
    return isOurs || python === null ? python : `refused: ${message}`;
  }
}

ways.forEach((way, i) =>
  Deno.test(`${way} of ${values.length} values is as in Python`, () => {
    const written = values.map((value, j) =>
      writeOrRefuse(`{% set x = ${value} %}${way}`, expected[i]![j]!)
    );
    deepStrictEqual(written, expected[i]);
  })
);

for (const [source, text] of sources) {
  Deno.test(`${JSON.stringify(source)} has the lines that Jinja has`, () => {
    strictEqual(write(source), text);
  });
}

Deno.test("few constructs are refused that Python renders", () => {
  let refused = 0;
  for (const [i, way] of ways.entries()) {
    for (const [j, value] of values.entries()) {
      if (expected[i]![j] === null) continue;
      try {
        write(`{% set x = ${value} %}${way}`, { v: data });
      } catch {
        refused++;
      }
    }
  }
  strictEqual(refused, 228);
});

/** A template that Python writes otherwise or refuses, and the message. */
const REFUSED: [string, Record<string, unknown>, RegExp][] = [
  [
    "{{ x.y.strip() }}",
    { x: { y: 1 } },
    /'strip' is undefined/,
  ],
  ["{{ x | tojson }}", {}, /cannot write an undefined value as JSON/],
  [
    "{{ x | tojson }}",
    { x: { b: [{ c: 1, 2: 3 }] } },
    /cannot tell the order of an object's keys, of which "2"/,
  ],
  [
    "{{ x | tojson }}",
    { x: 1e22 },
    /cannot tell the digits of a number as large as 1e\+22/,
  ],
  [
    "{{ 'CALL ' + x }}",
    { x: { zone: "UTC" } },
    /can only concatenate str \(not "dict"\) to str/,
  ],
  ["{{ x ~ 'a' * 2 }}", {}, /cannot tell what \* after ~ belongs to/],
  ["{{ strftime_now('%Q') }}", {}, /unknown format "%Q" of a date/],
];

for (const [source, variables, message] of REFUSED) {
  Deno.test(`${source} of ${JSON.stringify(variables)} is refused`, () => {
    throws(() => write(source, variables), { message });
  });
}
