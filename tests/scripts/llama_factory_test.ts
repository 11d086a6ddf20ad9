import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { COMPARE_FLAGS } from "experiments/comparison/flags.ts";
import type { Flag } from "lib/cli/flag.ts";
import { readJsonValue } from "lib/cli/flag_value.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { axisFlags } from "../../scripts/compare/axes.ts";
import { checkout, shared } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runInTurn } from "./run_in_turn.ts";

const README = Deno.readTextFileSync(checkout("README.zh.md"));
const DATA = shared("data/llamafactory");
const STORIES = shared("models/stories260K");
/** The model of the commands. */
const SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct";

/** The commands of README.zh.md, as lists of words. */
const COMMANDS = [
  ...README.replaceAll("\\\n", " ")
    .matchAll(/^deno task (.*)$/gm),
].map(([, words]) => words!.split(/ +/));

/** The first command of a verb, with a small model and little to do. */
function command(verb: string, model: string): string[] {
  const [, ...words] = COMMANDS.find(([name]) => name === verb)!;
  ok(words.includes(SMOLLM2));
  return [
    ...words.map((word) => word === SMOLLM2 ? model : word),
    ...["--steps", "2", "--batch", "2", "--threads", "1"],
    ...verb === "compare" ? ["--answers", "1", "--max-new-tokens", "2"] : [],
  ];
}

/** LLaMA-Factory's folder of data, with the shortest rows of a set. */
async function putData(folder: string, name: string): Promise<void> {
  const data = join(folder, "LLaMA-Factory", "data");
  await Deno.mkdir(data, { recursive: true });
  const text = await Deno.readTextFile(join(DATA, `${name}.json`));
  const rows: unknown[] = JSON.parse(text);
  const size = (row: unknown) => JSON.stringify(row).length;
  const shortest = rows.toSorted((a, b) => size(a) - size(b)).slice(0, 6);
  await Deno.writeTextFile(
    join(data, `${name}.json`),
    JSON.stringify(shortest),
  );
  copyFileSync(
    join(DATA, "dataset_info.json"),
    join(data, "dataset_info.json"),
  );
}

/** A small pretrained model, with a template, as SmolLM2 has one. */
async function putModel(folder: string): Promise<string> {
  const model = join(folder, "model");
  await Deno.mkdir(model);
  for (const { name } of Deno.readDirSync(STORIES)) {
    copyFileSync(join(STORIES, name), join(model, name));
  }
  await Deno.writeTextFile(
    join(model, "chat_template.jinja"),
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}" +
      "{% if add_generation_prompt %}assistant: {% endif %}",
  );
  return model;
}

for (
  const [verb, name] of [["train", "kto_en_demo"], ["compare", "dpo_en_demo"]]
) {
  Deno.test({
    name: `README.zh.md's command ${verb} works on ${name} (needs ../shared)`,
    ignore: !existsSync(DATA) || !existsSync(STORIES),
    fn: async () => {
      using folder = temporaryFolder();
      const { path: cwd } = folder;
      await putData(cwd, name!);
      const model = await putModel(cwd);
      const env = { XDG_CACHE_HOME: join(cwd, "cache") };
      const words = command(verb!, model);
      const { code, err } = await runInTurn(verb!, words, { cwd, env });
      strictEqual(code, 0, err);
      const out = join(cwd, words[words.indexOf("--out") + 1]!);
      if (verb === "train") {
        strictEqual(readMetrics(join(out, "metrics.jsonl")).length, 2);
      } else {
        const text = await Deno.readTextFile(join(out, "summary.json"));
        strictEqual(JSON.parse(text).methods.length, 2);
      }
    },
  });
}

Deno.test("README.zh.md's settings are flags of compare, on a set of LLaMA-Factory", () => {
  const [, code] = README.match(/```json\n(.*?)```/s)!;
  const values: Record<string, unknown> = JSON.parse(code!);
  const flags: Record<string, Flag> = {
    ...COMPARE_FLAGS,
    ...axisFlags(LOSSES, COMPARE_FLAGS),
  };
  const wrong = Object.entries(values).filter(([name, value]) =>
    readJsonValue(flags[name]!, value) === undefined
  );
  deepStrictEqual(wrong, []);
  const sets = [...COMMANDS.flat(), String(values["data"])]
    .flatMap((word) =>
      word.match(/^LLaMA-Factory\/data\/.*:(\w+)$/)?.[1] ?? []
    );
  deepStrictEqual(sets, ["kto_en_demo", "dpo_en_demo", "dpo_zh_demo"]);
});
