import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import { findLoss } from "lib/losses/registry.ts";
import { sha256 } from "lib/record/sha256.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const IMPORTS = `
import { pairLoss } from "lib/losses/loss.ts";
import { sub } from "lib/ops/elementwise.ts";
`;
const loss = (changes: string, name = "mine") => `
export const ${name} = pairLoss({
  id: "${name}",
  title: "Difference",
  formula: "f",
  source: "none",
  options: {},
  terms: ({ chosen, rejected }) => ({
    loss: sub(rejected.logProb, chosen.logProb),
  }),
  ${changes}
});
`;

/** Calls `use` with the path of a file of that code. */
async function withFile(
  code: string,
  use: (path: string) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const path = join(folder.path, "my_loss.ts");
  await Deno.writeTextFile(path, IMPORTS + code);
  await use(path);
}

Deno.test("chooseLoss() knows losses by name", async () => {
  deepStrictEqual(await chooseLoss("dpo"), {
    loss: findLoss("dpo"),
    name: "dpo",
    code: [],
  });
  await rejects(
    chooseLoss("dop"),
    /Unknown loss "dop": did you mean dpo\? expected one of/,
  );
});

Deno.test("chooseLoss() reads weighted sums", async () => {
  const { loss, name } = await chooseLoss(" dpo + 0.2 * sft ");
  ok("parts" in loss);
  deepStrictEqual(
    loss.parts,
    [
      { loss: findLoss("dpo"), weight: 1 },
      { loss: findLoss("sft"), weight: 0.2 },
    ].map((part, i) => ({ ...loss.parts[i], ...part })),
  );
  strictEqual(loss.id, "dpo+0.2*sft");
  strictEqual(name, "dpo+0.2*sft");
  const doubled = await chooseLoss("2*dpo");
  ok("parts" in doubled.loss);
});

for (const text of ["x*dpo", "0*dpo", "-1*dpo", "*dpo", "Infinity*dpo"]) {
  Deno.test(`chooseLoss() refuses the weight of ${text}`, () =>
    rejects(chooseLoss(text), /expected a weight above 0 before "\*"/));
}

Deno.test("chooseLoss() takes a file, and tells its content but not its folder", () =>
  withFile(loss(""), async (path) => {
    const { loss, name, code } = await chooseLoss(`${path}+0.5*sft`);
    strictEqual(loss.id, "mine+0.5*sft");
    strictEqual(name, "my_loss.ts+0.5*sft");
    deepStrictEqual(code, [sha256(IMPORTS + LOSS)]);
  }));
const LOSS = loss("");

Deno.test("chooseLoss() tells the contents of what a file imports by a path", async () => {
  using folder = temporaryFolder();
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(folder.path, name), text);
  const main = `// from "./none.ts"
import { one } from './one.ts';
${IMPORTS}${loss("")}void one;`;
  const one = 'import * as two from "./two.ts";\nexport const one = two;';
  const two = 'import "./one.ts";\nexport const two = 2;';
  await write("my_loss.ts", main);
  await write("one.ts", one);
  await write("two.ts", two);
  const { code } = await chooseLoss(join(folder.path, "my_loss.ts"));
  deepStrictEqual(code, [main, one, two].map(sha256));
  const { code: ours } = await chooseLoss("dpo");
  deepStrictEqual(ours, []);
});

/** Code of a file, and what is wrong with it. */
const BAD: [string, string, RegExp][] = [
  ["no loss", "export const x = 1;", /expected one export made by .*none/],
  [
    "two losses",
    loss("") + loss("", "other"),
    /expected one export made by .*several/,
  ],
  ["a name that is taken", loss("", "dpo"), /"id" of its own, "dpo" is taken/],
  ["a name of spaces", loss('id: "my loss",'), /found "my loss"/],
  ["no formula", loss('formula: "",'), /expected a text for "formula"/],
  [
    "a default out of bounds",
    loss(
      'options: { a: { kind: "number", symbol: "a", default: 0, above: 0, help: "h" } },',
    ),
    /Option "a" of loss "mine" is 0, expected a number above 0/,
  ],
  [
    "one number for all examples",
    `import { sum } from "lib/ops/shaping.ts";` +
    loss("terms: ({ chosen }) => ({ loss: sum(chosen.logProb) }),"),
    /gives 1 numbers for 6 examples, expected one for each/,
  ],
  [
    "a loss that is not a number",
    `import { log } from "lib/ops/elementwise.ts";` +
    loss("terms: ({ chosen }) => ({ loss: log(chosen.logProb) }),"),
    /The gradient of loss "mine" under \{\} is .* finite differences give NaN/,
  ],
  [
    "a loss that forgets the policy",
    loss("terms: ({ chosen }) => ({ loss: chosen.refLogProb }),"),
    /does not depend on "logProbs"/,
  ],
  ["code that throws", "throw new Error('oops');", /oops/],
];

for (const [name, code, message] of BAD) {
  Deno.test(`chooseLoss() refuses a file with ${name}`, () =>
    withFile(code, (path) =>
      rejects(chooseLoss(path), (error: Error) => {
        ok(error.message.startsWith(`Cannot use ${path} as a loss: `));
        ok(message.test(error.message), error.message);
        return true;
      })));
}

Deno.test("chooseLoss() refuses a file that is not there", () =>
  rejects(chooseLoss("./no_such_loss.ts"), /Cannot use \.\/no_such_loss\.ts/));
