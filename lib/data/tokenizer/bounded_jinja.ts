import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";

/** Several times the longest template in use. */
const MAX_SOURCE = 1 << 18;
/** Runs of white space take the library the square of their length. */
const MAX_RUN = 1000;
/** Longest range, as in Python's sandbox. */
const MAX_RANGE = 100_000;
/** Most elements of a text or list: a loop over it takes a hundred times as many bytes. */
const MAX_LENGTH = 1 << 22;
/** Most work: ten thousand messages, or a second or two. */
const MAX_WORK = 2 ** 27;
/** Work of a step, and of an element of a new list; of a character it is 1. */
const STEP = 64;

const LONG_RUN = new RegExp(`\\s{${MAX_RUN + 1}}`);

/** The syntax tree of a template. */
export type Program = ReturnType<typeof parse>;
type Evaluate = Interpreter["evaluate"];

/** @throws Error where the source is not valid Jinja, or too long. */
export function parseTemplate(source: string): Program {
  if (source.length > MAX_SOURCE) {
    throw new RangeError(
      `its source has ${source.length} characters, ` +
        `expected no more than ${MAX_SOURCE}`,
    );
  }
  if (LONG_RUN.test(source)) {
    throw new RangeError(
      `its source has a run of white space of more than ${MAX_RUN}`,
    );
  }
  const options = { "lstrip_blocks": true, "trim_blocks": true };
  return parse(tokenize(source, options));
}

/**
 * Renders a template from outside: its steps, its ranges, and the texts and lists
 * that it makes are bounded, and so are time and memory.
 *
 * @throws Error where a bound is passed, or the error that the template raises.
 */
export function renderTemplate(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...variables })) {
    environment.set(name, value);
  }
  return new Bounded(environment).run(program).value as string;
}

class Bounded extends Interpreter {
  #work = 0;

  override evaluate(...[node, scope]: Parameters<Evaluate>) {
    const result = super.evaluate(node, scope);
    this.#work += STEP + workOf(node?.type, result.value);
    if (this.#work <= MAX_WORK) return result;
    throw new RangeError(
      "it does too much: its loops hardly end, or its lists grow",
    );
  }
}

/** The work of making a text or a list. */
function workOf(type: string | undefined, value: unknown): number {
  const isText = typeof value === "string";
  if (type === "Identifier" || !(isText || Array.isArray(value))) return 0;
  if (value.length <= MAX_LENGTH) return value.length * (isText ? 1 : STEP);
  throw new RangeError(
    `it makes a text or list of ${value.length}, ` +
      `expected no more than ${MAX_LENGTH}`,
  );
}

/** Variables of every template, as the library and transformers have them. */
const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  "raise_exception": (message: string) => {
    throw new Error(message);
  },
};

/** https://docs.python.org/3/library/stdtypes.html#range */
function range(first: number, end?: number, step = 1): number[] {
  const [start, stop] = end === undefined ? [0, first] : [first, end];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length <= MAX_RANGE) {
    return Array.from({ length }, (_, i) => start + i * step);
  }
  throw new RangeError(
    `range() of ${length} numbers, expected no more than ${MAX_RANGE}`,
  );
}
