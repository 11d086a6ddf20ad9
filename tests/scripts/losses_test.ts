import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { KNOWN_NAMES } from "lib/losses/known_names.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { INPUTS } from "../loss_tools/case_block.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runInTurn } from "./run_in_turn.ts";

const losses = (...args: string[]) => runInTurn("losses", args);

Deno.test("losses lists every loss with its needs and its options, within 80 columns", async () => {
  const { code, out } = await losses();
  strictEqual(code, 0);
  const lines = out.trimEnd().split("\n");
  deepStrictEqual(lines.filter((line) => line.length > 80), []);
  deepStrictEqual(
    lines.flatMap((line) => /^\S+/.exec(line) ?? []),
    [...LOSSES.map(({ id }) => id), ...KNOWN_NAMES.map(({ name }) => name)],
  );
  match(
    out,
    /^dpo +Direct Preference .*\n +pairs, reference, sums over tokens\n +β = 0.1, ε = 0, \[reference-free\]$/m,
  );
  const said = out.replaceAll(/\s+/g, " ");
  for (const { title, data } of LOSSES) {
    ok(said.includes(`${title} ${data}, `), title);
  }
});

Deno.test("losses show explains a loss and draws its page", async () => {
  using folder = temporaryFolder();
  const { code, out } = await losses("show", "orpo", "--out", folder.path);
  strictEqual(code, 0);
  match(out, /^orpo: Odds Ratio Preference Optimization\n\n {2}NLL\(y_w\) − λ/);
  match(out, /^ {2}needs +pairs, no reference, sums and numbers of tokens$/m);
  match(out, /^ {2}at π = π_ref +2.069, where answers have 20 tokens/m);
  match(out, /^ {2}1\. Fine-tuning on the chosen answer, NLL\(y_w\), /m);
  match(out, /^ {2}--lambda +λ: .* \(a number of at least 0; default 0.1\)$/m);
  match(out, /^ {2}trl +orpo; --nll-over all --nll-reduction token; /m);
  const path = join(folder.path, "orpo.html");
  match(out, new RegExp(`^Wrote ${path}$`, "m"));
  match(Deno.readTextFileSync(path), /<h1>.*▲<\/span> Odds Ratio/);
});

Deno.test("losses show takes a sum of losses", async () => {
  using folder = temporaryFolder();
  const args = ["dpo+0.2*sft", "--out", folder.path];
  const { code, out } = await losses("show", ...args);
  strictEqual(code, 0);
  match(out, /^ {2}at π = π_ref +1.093$/m);
  deepStrictEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), [
    "dpo+0.2xsft.html",
  ]);
});

Deno.test("losses atlas draws all losses on one page below 1.5 MB", async () => {
  using folder = temporaryFolder();
  const { code } = await losses("atlas", "--out", folder.path);
  strictEqual(code, 0);
  const html = Deno.readTextFileSync(join(folder.path, "index.html"));
  for (const { id } of LOSSES) ok(html.includes(`<article id="${id}">`), id);
  ok(new TextEncoder().encode(html).length < 1.5e6);
});

Deno.test("losses eval writes the file again with our numbers", async () => {
  using folder = temporaryFolder();
  const [from, to] = ["cases.json", "ours.json"].map((name) =>
    join(folder.path, name)
  );
  const block = { beta: 0.5, inputs: INPUTS, cases: [{ name: "hinge" }] };
  Deno.writeTextFileSync(from!, JSON.stringify({ blocks: [block] }));
  const { code, out } = await losses("eval", from!, "--json", to!);
  strictEqual(code, 0);
  match(
    out,
    /^ +1 +hinge +hinge +beta 0.5 +losses, gradChosen, gradRejected$/m,
  );
  const { blocks: [found] } = JSON.parse(Deno.readTextFileSync(to!));
  const { cases: [hinge], ...rest } = found;
  deepStrictEqual(rest, { beta: 0.5, inputs: INPUTS });
  deepStrictEqual(hinge.losses, [1.75, 0.75]);
  deepStrictEqual(hinge.gradChosen, [-0.5, -0.5]);
});

/** Mistakes of the command line, and others, with the exit status of each. */
const REFUSED: readonly [string, string[], RegExp, 1 | 2][] = [
  [
    "an unknown action",
    ["shwo"],
    /"shwo"; expected one of show, atlas, eval$/m,
    2,
  ],
  [
    "an unknown loss",
    ["show", "dop"],
    /Unknown loss "dop": did you mean dpo\? expected one of/,
    1,
  ],
  [
    "show without a name",
    ["show"],
    /of show: expected the name of a loss$/m,
    2,
  ],
  ["eval without a file", ["eval"], /of eval: expected a file of cases$/m, 2],
  [
    "eval without --json",
    ["eval", "a.json"],
    /of eval: expected --json FILE/,
    2,
  ],
  [
    "--json elsewhere",
    ["show", "dpo", "--json", "x"],
    /Cannot use --json: only eval/,
    2,
  ],
  ["atlas of one loss", ["atlas", "dpo"], /argument "dpo": atlas shows all/, 2],
  [
    "a file that is not there",
    ["eval", "no/such.json", "--json", "x"],
    /Cannot read no\/such.json: /,
    1,
  ],
];

for (const [what, args, message, status] of REFUSED) {
  Deno.test(`losses refuses ${what} in a line`, async () => {
    const { code, err } = await runInTurn("losses", args);
    strictEqual(code, status);
    match(err, message);
    strictEqual(err.trim().split("\n").length, 1);
  });
}
