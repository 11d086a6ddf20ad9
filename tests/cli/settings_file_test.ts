import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { join } from "node:path";
import { choice, integer, number, parsed, text, toggle } from "lib/cli/flag.ts";
import { parseFlags, peekSettings } from "lib/cli/flags.ts";
import { readSettings, SETTINGS } from "lib/cli/settings_file.ts";
import type { Verb } from "lib/cli/verb.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const FIT = {
  name: "fit",
  summary: "Fits a line.",
  positionals: [SETTINGS],
  flags: {
    out: text({ help: "", required: true }),
    maxLength: integer({ help: "", default: 8, min: 1 }),
    epochs: number({ help: "", default: 1 }),
    steps: integer({ help: "", excludes: { flags: ["epochs"] } }),
    device: choice(["cpu", "webgpu"], { help: "" }),
    full: toggle({
      help: "",
      excludes: { flags: ["rank"], because: "which has none" },
    }),
    rank: integer({ help: "" }),
    rates: parsed({
      help: "",
      placeholder: "NUMBER,...",
      expected: "numbers above 0",
      parse: (text: string) => text.split(",").map(Number),
      is: (value): value is number[] =>
        Array.isArray(value) && value.every((rate) => rate > 0),
    }),
  },
  elsewhere: { num_epochs: "--epochs" },
  examples: [],
} as const satisfies Verb;

function parse(values: Record<string, unknown>, ...argv: string[]) {
  const parsed = parseFlags(FIT, argv, { path: "mine.json", values });
  if (parsed.help !== undefined) throw new Error("found the help text");
  return parsed;
}

Deno.test("a file gives values of flags, those of the command line come first", () => {
  const { values, given } = parse(
    { out: "a", maxLength: 4, device: "cpu", full: true, rates: [0.1, 1] },
    ...["--max-length", "5"],
  );
  deepStrictEqual(values, {
    ...{ out: "a", maxLength: 5, epochs: 1, device: "cpu", full: true },
    rates: [0.1, 1],
  });
  const names = ["out", "maxLength", "device", "full", "rates"];
  deepStrictEqual(given, new Set(names));
});

Deno.test("a file may have a flag's notation, a toggle that is off, and nothing", () => {
  const { values, given } = parse(
    { out: "a", full: false, rank: 2, rates: "0.1,1", steps: undefined },
  );
  deepStrictEqual(values.rates, [0.1, 1]);
  deepStrictEqual(values.full, false);
  deepStrictEqual(given, new Set(["out", "rank", "rates"]));
  deepStrictEqual(parse({ out: "a", rates: 2 }).values.rates, [2]);
});

Deno.test("contradictions within a file or a command line are refused, between them the command line counts", () => {
  const refused = (values: object, argv: string[], message: string) =>
    throws(() => parse({ out: "a", ...values }, ...argv), { message });
  refused(
    { epochs: 2, steps: 5 },
    [],
    "Cannot use epochs of mine.json with steps of mine.json",
  );
  refused(
    {},
    ["--full", "--rank", "1"],
    "Cannot use --rank with --full, which has none",
  );
  const valuesOf = (values: object, ...argv: string[]) => {
    const { epochs, steps, full, rank } =
      parse({ out: "a", ...values }, ...argv).values;
    return { epochs, steps, full, rank };
  };
  const none = { epochs: 1, steps: undefined, full: false, rank: undefined };
  deepStrictEqual(valuesOf({ epochs: 2 }, "--steps", "5"), {
    ...none,
    steps: 5,
  });
  deepStrictEqual(valuesOf({ steps: 5 }, "--epochs", "2"), {
    ...none,
    epochs: 2,
  });
  deepStrictEqual(valuesOf({ full: true }, "--rank=3"), { ...none, rank: 3 });
});

/** Settings of a file, and the error that they make. */
const REFUSED: [values: object, message: string][] = [
  [
    { maxLenght: 4 },
    "Unknown setting maxLenght in mine.json: did you mean maxLength? names are those of flags, as maxLength of --max-length",
  ],
  [
    { "max-length": 4 },
    "Unknown setting max-length in mine.json: did you mean maxLength? names are those of flags, as maxLength of --max-length",
  ],
  [
    { numEpochs: 4 },
    "Unknown setting numEpochs in mine.json: here it is --epochs",
  ],
  [
    { help: true },
    "Unknown setting help in mine.json: names are those of flags, as maxLength of --max-length",
  ],
  [
    { maxLength: "4" },
    'Cannot read maxLength in mine.json: found "4", expected an integer of at least 1',
  ],
  [
    { maxLength: [4, 5] },
    "Cannot read maxLength in mine.json: found [4,5], expected one value: an integer of at least 1",
  ],
  [
    { epochs: null },
    "Cannot read epochs in mine.json: found null, expected a number",
  ],
  [
    { full: "yes" },
    'Cannot read full in mine.json: found "yes", expected true or false',
  ],
  [
    { rates: [1, -1] },
    "Cannot read rates in mine.json: found [1,-1], expected numbers above 0",
  ],
  [
    { rates: { a: 1 } },
    'Cannot read rates in mine.json: found {"a":1}, expected numbers above 0',
  ],
  [{ out: undefined }, "Missing flag --out TEXT; see --help"],
];

for (const [values, message] of REFUSED) {
  Deno.test(`a file with ${JSON.stringify(values)} is refused`, () => {
    throws(() => parse({ out: "a", ...values }), { message });
  });
}

Deno.test("the file of a command line is its argument, not the value of a flag", () => {
  const found = (line: string) => peekSettings(FIT, line.split(" "));
  strictEqual(found("--out x.json --max-length 3"), undefined);
  strictEqual(found("--out x mine.json"), "mine.json");
  strictEqual(found("./mine.ts --out x"), "./mine.ts");
  strictEqual(found("--help ./mine.ts"), undefined);
  strictEqual(found("--unknown 3 mine.json"), "mine.json");
  throws(() => parseFlags(FIT, ["--out", "x", "mine"]), {
    message:
      'Unexpected argument "mine": expected a file of .json or .ts; usage: deno task fit [SETTINGS] --out TEXT [flags]',
  });
});

Deno.test("settings are read from JSON and from a module", async () => {
  using folder = temporaryFolder();
  const put = async (name: string, text: string) => {
    const path = join(folder.path, name);
    await Deno.writeTextFile(path, text);
    return path;
  };
  const json = await put("a.json", '{ "lr": 0.1 }');
  deepStrictEqual(await readSettings(json), {
    path: json,
    values: { lr: 0.1 },
  });
  const module = await put("a.ts", "export default { lr: 2 ** -3 };");
  deepStrictEqual((await readSettings(module)).values, { lr: 0.125 });
  const refused = async (name: string, text: string, reason: RegExp) =>
    await rejects(async () => readSettings(await put(name, text)), (error) => {
      const message = error instanceof Error ? error.message : "";
      return message.startsWith(`Cannot read ${join(folder.path, name)}: `) &&
        reason.test(message);
    });
  await refused("list.json", "[]", /: expected an object of settings$/);
  await refused("broken.json", "{", /JSON/);
  await refused("twice.json", '{"a": 1, "a": 2}', /the key "a" twice/);
  await refused("none.ts", "export const a = 1;", /as its default export$/);
  await refused("fails.ts", 'throw new Error("no luck");', /: no luck$/);
  await rejects(readSettings("nowhere.json"), /Cannot read nowhere.json: No/);
});
