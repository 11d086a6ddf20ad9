import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { type Args, parseFlags, peekFlag, refuseGiven } from "lib/cli/flags.ts";
import {
  choice,
  type Flag,
  integer,
  number,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";

const FIT = {
  name: "fit",
  summary: "Fits a line.",
  positionals: [
    { name: "file", help: "points" },
    { name: "more", help: "further files", many: true, optional: true },
  ],
  flags: {
    out: text({ help: "where to write", placeholder: "DIR" }),
    seed: integer({ help: "seed", default: 0, min: 0, max: 10 }),
    maxError: number({ help: "when to stop", above: 0 }),
    share: {
      ...number({ help: "of points", default: 1, min: 0, below: 2 }),
      several: "scan takes several",
    },
    device: choice(["cpu", "webgpu", "cuda"], { help: "where" }),
    full: toggle({ help: "fit everything" }),
  },
  examples: [],
} as const satisfies Verb;

/** Compiles where two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

function parse<const V extends Verb>(verb: V, line: string): Args<V> {
  const parsed = parseFlags(verb, line.split(" "));
  if (parsed.help !== undefined) throw new Error("found the help text");
  return parsed;
}

Deno.test("parseFlags() gives defaults, and no property for what is absent", () => {
  deepStrictEqual(parse(FIT, "points.csv"), {
    values: { seed: 0, share: 1, full: false },
    given: new Set(),
    positionals: { file: "points.csv", more: [] },
    debug: false,
  });
});

Deno.test("parseFlags() reads every kind, as --name value and --name=value", () => {
  const line = "a b --out=x --seed 7 --max-error 1e-5 --share=.5 " +
    "--device cuda --full --debug c";
  deepStrictEqual(parse(FIT, line), {
    values: {
      out: "x",
      seed: 7,
      maxError: 1e-5,
      share: 0.5,
      device: "cuda",
      full: true,
    },
    given: new Set(["out", "seed", "maxError", "share", "device", "full"]),
    positionals: { file: "a", more: ["b", "c"] },
    debug: true,
  });
});

Deno.test("parseFlags() infers the type of each value", () => {
  type Values = Args<typeof FIT>["values"];
  const exact: Same<
    Values,
    Readonly<{
      seed: number;
      share: number;
      full: boolean;
      out?: string;
      maxError?: number;
      device?: "cpu" | "webgpu" | "cuda";
    }>
  > = true;
  const arguments_: Same<
    Args<typeof FIT>["positionals"],
    { file: string; more: string[] }
  > = true;
  const verb = {
    name: "v",
    summary: "",
    flags: {
      model: text({ help: "", required: true }),
      order: choice(["a", "b"], { help: "", default: "a" }),
    },
    positionals: [{ name: "path", help: "", optional: true }],
    examples: [],
  } as const satisfies Verb;
  const required: Same<
    Args<typeof verb>["values"],
    Readonly<{ model: string; order: "a" | "b" }>
  > = true;
  const optional: Same<
    Args<typeof verb>["positionals"],
    { path: string | undefined }
  > = true;
  deepStrictEqual([exact, arguments_, required, optional], Array(4).fill(true));
});

Deno.test("parseFlags() takes flags declared as plain data, whose names only the run knows", () => {
  const options: Record<string, Flag> = {
    labelSmoothing: {
      kind: "number",
      default: 0,
      min: 0,
      below: 0.5,
      help: "",
    },
  };
  const verb = {
    name: "train",
    summary: "",
    flags: { ...options, out: text({ help: "", required: true }) },
    examples: [],
  } as const satisfies Verb;
  const { values } = parse(verb, "--out x --label-smoothing 0.1");
  const out: string = values.out;
  deepStrictEqual({ ...values, out }, { out: "x", labelSmoothing: 0.1 });
});

Deno.test("parseFlags() reads a notation that the flag declares", () => {
  const areTexts = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.every((text) => text !== "");
  const verb = {
    name: "v",
    summary: "",
    flags: {
      layers: parsed({
        help: "",
        placeholder: "NAME,…",
        expected: "names of layers",
        default: [],
        parse: (list) => list.split(","),
        is: areTexts,
      }),
    },
    examples: [],
  } as const satisfies Verb;
  const { layers }: { layers: readonly string[] } =
    parse(verb, "--layers a,b").values;
  deepStrictEqual(layers, ["a", "b"]);
  deepStrictEqual(parse(verb, "--debug").values, { layers: [] });
  throws(() => parse(verb, "--layers a,,b"), {
    message: 'Cannot read --layers: found "a,,b", expected names of layers',
  });
});

Deno.test("refuseGiven() names the first flag that was given", () => {
  const { given } = parse(FIT, "f --seed 0 --max-error 1");
  refuseGiven(given, ["out", "share"], "with --full");
  throws(() => refuseGiven(given, ["out", "maxError", "seed"], "with --full"), {
    message: "Cannot use --max-error with --full",
  });
});

Deno.test("peekFlag() takes the last of a repeated flag, which parseFlags() refuses", () => {
  const line = "--loss dpo --lr 1 --loss=kto";
  strictEqual(peekFlag("loss", line.split(" ")), "kto");
  strictEqual(peekFlag("loss", ["--help", "simpo"]), "simpo");
  strictEqual(peekFlag("loss", ["--lr", "1"]), undefined);
});

Deno.test("parseFlags() gives the help text for --help and -h, whatever else is wrong", () => {
  for (const flag of ["--help", "-h"]) {
    const { help } = parseFlags(FIT, ["--bogus", "--seed", "x", flag]);
    match(help ?? "", /^Fits a line\.\n\nUsage: deno task fit FILE/);
  }
});

Deno.test("parseFlags() takes negative numbers, a lone dash and dashes after =", () => {
  const verb = {
    name: "v",
    summary: "",
    flags: { shift: number({ help: "" }), out: text({ help: "" }) },
    examples: [],
  } as const satisfies Verb;
  deepStrictEqual(parse(verb, "--shift -1 --out -").values, {
    shift: -1,
    out: "-",
  });
  deepStrictEqual(parse(verb, "--shift=-.5e2 --out=--x").values, {
    shift: -50,
    out: "--x",
  });
});

Deno.test("parseFlags() takes anything after --", () => {
  const { values, positionals } = parse(FIT, "--seed 2 -- --seed -q");
  deepStrictEqual(values.seed, 2);
  deepStrictEqual(positionals, { file: "--seed", more: ["-q"] });
});

const USAGE = "usage: deno task fit FILE [MORE...] [flags]";

/** Command line and message. */
const REFUSED: [string, string][] = [
  [
    "f --seed 1 --seed=2",
    'Cannot use --seed twice: found "1" and "2"; expected it once',
  ],
  [
    "f --sed 3",
    "Unknown flag --sed: did you mean --seed? --help lists the flags",
  ],
  [
    "f --max_error=3",
    "Unknown flag --max_error: did you mean --max-error? --help lists the flags",
  ],
  [
    "f --learning-rate 3",
    "Unknown flag --learning-rate: --help lists the flags",
  ],
  ["f -x", "Unknown flag -x: --help lists the flags"],
  ["f --no-full", "Unknown flag --no-full: --help lists the flags"],
  ["f --__proto__ 1", "Unknown flag --__proto__: --help lists the flags"],
  [
    "f --max-error -1",
    'Cannot read --max-error: found "-1", expected a number above 0',
  ],
  [
    "f --max-error 0",
    'Cannot read --max-error: found "0", expected a number above 0',
  ],
  ...["NaN", "Infinity", "1e999", "0x10", "1,", "1_000"].map((
    found,
  ): [string, string] => [
    `f --max-error ${found}`,
    `Cannot read --max-error: found "${found}", expected a number above 0`,
  ]),
  ...["1,5", "0.1,0.3,1"].map((found): [string, string] => [
    `f --max-error ${found}`,
    `Cannot read --max-error: found "${found}", expected one value: a number above 0`,
  ]),
  [
    "f --device cpu,cuda",
    'Cannot read --device: found "cpu,cuda", expected one value: cpu, webgpu or cuda',
  ],
  [
    "f --share 0.1,1",
    'Cannot read --share: found "0.1,1", expected one value: a number of at least 0 and below 2; scan takes several',
  ],
  [
    "f --out a --out=b",
    'Cannot use --out twice: found "a" and "b"; expected it once',
  ],
  ["f --full --full", "Cannot use --full twice; expected it once"],
  [
    "f --max-error=",
    "Cannot read --max-error: found nothing, expected a number above 0",
  ],
  [
    "f --share 2",
    'Cannot read --share: found "2", expected a number of at least 0 and below 2',
  ],
  ...["1.5", "-1", "11", "1e99"].map((found): [string, string] => [
    `f --seed ${found}`,
    `Cannot read --seed: found "${found}", expected an integer from 0 to 10`,
  ]),
  [
    "f --device gpu",
    'Cannot read --device: found "gpu", expected cpu, webgpu or cuda',
  ],
  ["f --out", "Cannot read --out: found nothing, expected DIR"],
  ["f --out=", "Cannot read --out: found nothing, expected DIR"],
  [
    "f --out --seed 3",
    'Cannot read --out: found "--seed", expected DIR (if it is one, write --out=--seed)',
  ],
  ["f --full=no", 'Cannot read --full: found "no", expected no value'],
  ["--full", `Missing argument FILE; ${USAGE}`],
];

for (const [line, message] of REFUSED) {
  Deno.test(`parseFlags() refuses "${line}"`, () => {
    throws(() => parse(FIT, line), { message });
  });
}

Deno.test("parseFlags() knows flags of other programs, where the verb has what they lead to", () => {
  const verb = {
    ...FIT,
    elsewhere: {
      random_state: "--seed",
      tolerance: "--max-error, of the sum",
      verbose: "each step is printed",
      n_jobs: "--threads",
    },
  };
  const cases = {
    "--random_state": "here it is --seed",
    "--random-state": "here it is --seed",
    "--tolerance": "here it is --max-error, of the sum",
    "--verbose": "each step is printed",
    "--n_jobs": "--help lists the flags",
  };
  for (const [flag, says] of Object.entries(cases)) {
    throws(() => parse(verb, `f ${flag} 3`), {
      message: `Unknown flag ${flag}: ${says}`,
    });
  }
});

Deno.test("parseFlags() names a required flag that is missing, and an argument too many", () => {
  const verb: Verb = {
    name: "v",
    summary: "",
    flags: { model: text({ help: "", placeholder: "DIR", required: true }) },
    examples: [],
  };
  throws(() => parseFlags(verb, []), {
    message: "Missing flag --model DIR; see --help",
  });
  throws(() => parseFlags(verb, ["--model", "a", "b"]), {
    message: 'Unexpected argument "b"; usage: deno task v --model DIR [flags]',
  });
});
