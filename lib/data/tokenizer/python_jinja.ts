import { parseTemplate, renderTemplate } from "./bounded_jinja.ts";

/** A node of a template's syntax tree. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Names of our replacements of the library's functions, which no template can write. */
const STRIP = "strip()";
const TRIM = "|trim";
const JSON_OF = "|tojson";
const TEXT_OF = "|string";

/** Ends that each method strips. */
const ENDS = { strip: "both", lstrip: "start", rstrip: "end" } as const;
type Ends = typeof ENDS[keyof typeof ENDS];

/**
 * Compiles a template so that it writes the text that Python's Jinja, as
 * transformers sets it up, would write. Where the library differs, the syntax
 * tree calls functions of this file:
 *
 * - `strip()` and its like heed their argument, and, as `trim` does, know
 *   white space as Python has it;
 * - numbers in JSON are written as Python writes them; refused are those that
 *   lost digits when they were read, mixed keys of which the order was lost
 *   then, and what is undefined. A number read as `1.0` is 1 by now;
 * - values that Python would write as Python code (`True`, `{'a': 1}`) are refused;
 * - dates have English names on every machine, and the time that is given;
 * - a template that never ends or fills the memory is stopped, see
 *   `renderTemplate()`.
 *
 * @returns a function that renders the template, given its variables.
 */
export function compileTemplate(
  source: string,
): (variables: Readonly<Record<string, unknown>>, now: Date) => string {
  const program = parseTemplate(source);
  visit(program);
  return (variables, now) =>
    renderTemplate(program, {
      ...variables,
      [STRIP]: strip,
      [TRIM]: (text: unknown) => strip(text ?? "", "both"),
      [JSON_OF]: pythonJson,
      [TEXT_OF]: pythonText,
      "strftime_now": (format: string) => strftime(format, now),
    });
}

/** Replaces the operations that the library does differently by the calls above. */
function visit(value: unknown): void {
  if (value instanceof Map) {
    [...value].flat().forEach(visit);
  } else if (Array.isArray(value)) {
    value.forEach(visit);
  } else if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(visit);
    if ("type" in value) Object.assign(value, replacement(value as Node));
  }
}

function replacement(node: Node): object {
  const { type, operand, filter, callee, args } = node;
  if (type === "CallExpression") {
    const { type, object, property, computed } = callee as Node;
    const ends = ENDS[(property as Node)?.["value"] as keyof typeof ENDS];
    if (type !== "MemberExpression" || computed || !ends) return {};
    return call(STRIP, [object, literal(ends), ...args as unknown[]]);
  }
  if (type !== "FilterExpression") return {};
  const name = ((filter as Node)["callee"] ?? filter) as Node;
  if (name["value"] === "trim") return call(TRIM, [operand]);
  if (name["value"] === "string") return call(TEXT_OF, [operand]);
  return name["value"] === "tojson"
    ? call(JSON_OF, [{ type, operand, filter }, operand])
    : {};
}

function call(name: string, args: unknown[]): object {
  const callee = { type: "Identifier", value: name };
  return { type: "CallExpression", callee, args };
}

function literal(value: string): object {
  return { type: "StringLiteral", value };
}

/** https://docs.python.org/3/library/stdtypes.html#str.strip */
function strip(text: unknown, ends: Ends, chars?: string | null): string {
  if (typeof text !== "string") {
    throw new TypeError(
      `cannot strip a value that is not text: ${String(text)}`,
    );
  }
  const isStripped = typeof chars === "string"
    ? (c: string) => chars.includes(c)
    : isSpace;
  const all = [...text];
  let [start, end] = [0, all.length];
  if (ends !== "end") {
    while (start < end && isStripped(all[start]!)) {
      start++;
    }
  }
  if (ends !== "start") {
    while (end > start && isStripped(all[end - 1]!)) {
      end--;
    }
  }
  return all.slice(start, end).join("");
}

/** https://docs.python.org/3/library/stdtypes.html#str.isspace */
function isSpace(character: string): boolean {
  return /\p{White_Space}/u.test(character) ||
    (character >= "\u001c" && character <= "\u001f");
}

/** JSON with its numbers in Python's notation. */
function pythonJson(json: string, value: unknown): string {
  if (value === undefined) {
    throw new TypeError("cannot write an undefined value as JSON");
  }
  assertOrdered(value);
  return json.replace(
    /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gs,
    (token) => token.startsWith('"') ? token : pythonNumber(Number(token)),
  );
}

/** Objects of JavaScript have keys that are whole numbers before the others. */
function assertOrdered(value: unknown): void {
  if (Array.isArray(value)) return value.forEach((x) => assertOrdered(x.value));
  if (!(value instanceof Map)) return;
  const isIndex = (key: string) => /^(0|[1-9]\d*)$/.test(key);
  const indices = [...value.keys()].filter(isIndex);
  if (indices.length > 0 && indices.length < value.size) {
    throw new RangeError(
      `cannot tell the order of an object's keys, of which "${
        indices[0]
      }" is a number and others are not`,
    );
  }
  value.forEach((x) => assertOrdered(x.value));
}

/** Python has an exponent below 1e-4, and of two digits or more. */
function pythonNumber(x: number): string {
  const size = Math.abs(x);
  if (Number.isSafeInteger(x)) return String(x);
  if (size >= 2 ** 53) {
    throw new RangeError(`cannot tell the digits of a number as large as ${x}`);
  }
  if (size >= 1e-4) return String(x);
  return x.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

function pythonText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return pythonNumber(value);
  throw new TypeError(
    "cannot write as text a value that is neither text nor a number, expected the filter tojson",
  );
}

const MONTHS = "January February March April May June July August September " +
  "October November December";
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday";

/** https://docs.python.org/3/library/datetime.html#format-codes, in English. */
function strftime(format: string, now: Date): string {
  const month = MONTHS.split(" ")[now.getMonth()]!;
  const day = DAYS.split(" ")[now.getDay()]!;
  const two = (number: number) => String(number).padStart(2, "0");
  const codes: Record<string, string> = {
    "%": "%",
    Y: String(now.getFullYear()),
    y: two(now.getFullYear() % 100),
    m: two(now.getMonth() + 1),
    d: two(now.getDate()),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: two(now.getHours()),
    M: two(now.getMinutes()),
    S: two(now.getSeconds()),
  };
  return format.replace(/%(.?)/gs, (code, letter) => {
    const text = codes[letter];
    if (text !== undefined) return text;
    throw new RangeError(`unknown format "${code}" of a date`);
  });
}
