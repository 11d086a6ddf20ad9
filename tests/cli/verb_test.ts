import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  choice,
  grouped,
  integer,
  number,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import { usage, type Verb } from "lib/cli/verb.ts";

Deno.test("usage() shows arguments, flags by group with bounds and defaults, and examples", () => {
  const fit: Verb = {
    name: "fit",
    summary: "Fits a line.",
    positionals: [
      { name: "file", help: "points, one a line" },
      { name: "more", help: "further files", many: true, optional: true },
    ],
    flags: {
      out: text({ help: "where to write", placeholder: "DIR", required: true }),
      maxSteps: integer({ help: "when to stop", default: 100, min: 1 }),
      device: choice(["cpu", "webgpu"], { help: "where", default: "cpu" }),
      full: toggle({ help: "fit everything" }),
      ...grouped("Loss", {
        beta: number({
          help: "strength of the prior",
          default: 0.1,
          above: 0,
          max: 10,
        }),
        share: number({ help: "of points", min: 0, max: 1, default: 0 }),
        layers: parsed({
          help: "layers",
          placeholder: "NAME,…",
          expected: "names",
          default: [],
          parse: (list) => list.split(","),
          is: (value): value is readonly string[] => Array.isArray(value),
        }),
      }),
    },
    examples: ["deno task fit points.csv --out fitted"],
  };
  strictEqual(
    usage(fit),
    `Fits a line.

Usage: deno task fit FILE [MORE...] --out DIR [flags]

Arguments:
  FILE                 points, one a line
  [MORE...]            further files

Flags:
  --out DIR            where to write (required)
  --max-steps INTEGER  when to stop (at least 1, default 100)
  --device cpu|webgpu  where (default cpu)
  --full               fit everything
  --debug              print errors with stack and causes
  -h, --help           print this text

Loss:
  --beta NUMBER        strength of the prior (above 0, at most 10, default 0.1)
  --share NUMBER       of points (from 0 to 1, default 0)
  --layers NAME,…      layers

Examples:
  deno task fit points.csv --out fitted`,
  );
});

Deno.test("usage() keeps to 100 columns: help continues below, long labels stand alone", () => {
  const words = (n: number) => Array(n).fill("word").join(" ");
  const verb: Verb = {
    name: "v",
    summary: "S.",
    flags: {
      n: integer({ help: words(20), default: 1 }),
      kind: choice(["abcdefgh", "ijklmnop", "qrstuvwx"], {
        help: "first\nsecond",
        required: true,
      }),
      place: text({ help: "x", required: true, placeholder: "P".repeat(40) }),
    },
    examples: [`deno task v ${words(30)}`],
  };
  strictEqual(
    usage(verb),
    `S.

Usage: deno task v --kind abcdefgh|ijklmnop|qrstuvwx
    --place PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP [flags]

Flags:
  --n INTEGER  ${words(17)}
               ${words(3)} (default 1)
  --kind abcdefgh|ijklmnop|qrstuvwx
               first
               second (required)
  --place PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP
               x (required)
  --debug      print errors with stack and causes
  -h, --help   print this text

Examples:
  deno task v ${words(30)}`,
  );
});

Deno.test("usage() shows the command of a program that is no task, and no empty section", () => {
  const command = "deno run -A experiments/demo/experiment.ts";
  strictEqual(
    usage({
      name: "demo",
      command,
      summary: "Shows it.",
      flags: {},
      examples: [command],
    }),
    `Shows it.

Usage: ${command} [flags]

Flags:
  --debug     print errors with stack and causes
  -h, --help  print this text

Examples:
  ${command}`,
  );
});

Deno.test("flag constructors keep what is declared, and compile with nothing else", () => {
  type Options = Parameters<typeof integer<{ help: string; mim: number }>>[0];
  const misspelt: Options["mim"] extends never ? true : false = true;
  strictEqual(misspelt, true);
  deepStrictEqual(choice(["a", "b"], { help: "which", default: "b" }), {
    kind: "choice",
    choices: ["a", "b"],
    help: "which",
    default: "b",
  });
});
