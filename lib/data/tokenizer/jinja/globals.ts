import { asInteger, bind } from "./arguments.ts";
import { setField } from "./scope.ts";
import { textOf } from "./text.ts";
import {
  type Arguments,
  Callable,
  defined,
  Dict,
  Fields,
  iterate,
  type Key,
  Sequence,
  textIn,
  typeOf,
  type Value,
} from "./values.ts";

/** Longest range, as in Python's sandbox. */
const MAX_RANGE = 100_000;

/**
 * Functions of every template, as Jinja and transformers have them.
 *
 * @param now the time that `strftime_now` takes for the present.
 */
export function globalsAt(now: Date): [string, Callable][] {
  const functions: Record<string, (args: Arguments) => Value> = {
    dict: (args) => new Dict(entriesOf(args)),
    namespace: (args) => {
      const fields = new Fields("Namespace", []);
      for (const [name, value] of entriesOf(args)) {
        setField(fields.values, String(name), value);
      }
      return fields;
    },
    range,
    "raise_exception": (args) => {
      const [message = ""] = bind(args, ["message"]);
      throw new Error(textOf(message));
    },
    "strftime_now": (args) => {
      const [format = ""] = bind(args, ["format"]);
      return strftime(textOf(format), now);
    },
  };
  return Object.entries(functions).map((
    [name, call],
  ) => [name, new Callable(name, call)]);
}

/** https://docs.python.org/3/library/stdtypes.html#dict */
function entriesOf({ positional, named }: Arguments): [Key, Value][] {
  const [source, ...more] = positional;
  if (more.length > 0) throw new TypeError("expected at most 1 argument");
  const entries = source instanceof Dict
    ? source.entries()
    : source === undefined
    ? []
    : iterate(defined(source)).map((pair): [Key, Value] => {
      const [key = null, value, ...rest] = iterate(pair);
      const name = textIn(key) ?? key;
      if (
        value === undefined || rest.length > 0 ||
        typeof name !== "string" && typeof name !== "number"
      ) {
        throw new TypeError(
          `expected pairs of a key and a value, got ${typeOf(pair)}`,
        );
      }
      return [name, value];
    });
  return [...entries.map(([key, x]): [Key, Value] => [key, x]), ...named];
}

/** https://docs.python.org/3/library/stdtypes.html#range */
function range(args: Arguments): Sequence {
  const [first, end, by = 1] = bind(args, ["start", "stop", "step"])
    .map((value) => value === undefined ? undefined : asInteger(value));
  if (first === undefined) throw new TypeError("range expected an argument");
  const [start, stop] = end === undefined ? [0, first] : [first, end];
  const length = Math.max(0, Math.ceil((stop - start) / by));
  if (length <= MAX_RANGE) {
    const items = Array.from({ length }, (_, i) => start + i * by);
    return new Sequence(items, "range");
  }
  throw new RangeError(
    `range() of ${length} numbers, expected no more than ${MAX_RANGE}`,
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
