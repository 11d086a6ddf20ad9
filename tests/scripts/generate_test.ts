import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readConfig } from "lib/models/config.ts";
import { writeSafetensors } from "lib/models/safetensors.ts";
import { baseSize, withByteTokenizer } from "../data/byte_tokenizer.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { putJson, TINY } from "../models/tiny_model.ts";

const SCRIPT = new URL("../../scripts/generate.ts", import.meta.url).href;
const TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
  "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

/** Runs a check with a small random model and something to run the script. */
async function withModel(
  check: (
    folder: string,
    generate: (...args: string[]) => ReturnType<typeof run>,
  ) => Promise<void>,
): Promise<void> {
  const config = Object.fromEntries([["chat_template", TEMPLATE]]);
  await withByteTokenizer({ config }, async (folder) => {
    const sizes = Object.fromEntries([["vocab_size", baseSize]]);
    await putJson(join(folder, "config.json"), { ...TINY, ...sizes });
    const { policy } = randomDecoder(await readConfig(folder));
    const tensors = policy.trained.map((parameter) => ({
      ...parameter,
      data: policy.initial.get(parameter.name)!,
    }));
    await writeSafetensors(join(folder, "model.safetensors"), tensors);
    await check(
      folder,
      (...args) => run(["--model", folder, "--threads", "1", ...args]),
    );
  });
}

async function run(args: readonly string[]) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, ...args],
  });
  const { code, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((x) => new TextDecoder().decode(x));
  return { code, out: out!, err: err! };
}

Deno.test("generate draws the same from a seed, whatever the batch", async () => {
  await withModel(async (folder, generate) => {
    const path = join(folder, "prompts.jsonl");
    const rows = [{ prompt: "Hi" }, {
      messages: [{ role: "user", content: "Yes" }],
    }];
    await Deno.writeTextFile(
      path,
      rows.map((r) => JSON.stringify(r)).join("\n"),
    );
    const draw = (...args: string[]) =>
      generate(
        ...["--prompts", path, "--json", "--max-new-tokens", "5"],
        ...["--samples", "2", "--temperature", "1", ...args],
      );
    const { code, out, err } = await draw("--seed", "3");
    strictEqual(code, 0, err);
    const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    deepStrictEqual(
      lines.map(({ prompt, sample }) => [prompt, sample]),
      [["Hi", 0], ["Hi", 1], [rows[1]!.messages, 0], [rows[1]!.messages, 1]],
    );
    ok(lines.every(({ ids, finished }) => ids.length === 5 || finished));
    match(err, /completions {2}4\/4 .*tokens\/s/);
    strictEqual((await draw("--seed", "3", "--batch", "1")).out, out);
    ok((await draw("--seed", "4")).out !== out);
  });
});

Deno.test("generate prints the likeliest text by itself, with or without the template", async () => {
  await withModel(async (_folder, generate) => {
    const flags = ["--prompt", "Hi", "--max-new-tokens", "4"];
    const chat = await generate(...flags);
    strictEqual(chat.code, 0, chat.err);
    ok(!chat.out.includes(">"));
    const raw = await generate(...flags, "--raw");
    ok(raw.out !== chat.out);
  });
});

/** Flags, and the error in one line. */
const REFUSED: [string[], RegExp][] = [
  [[], /expected --prompt TEXT or --prompts FILE/],
  [["--prompt", "Hi", "--samples", "2"], /--samples 2 at temperature 0/],
  [["--prompt", "Hi", "--raw", "--system", "Be"], /Cannot use --system/],
  [["--prompt", "x".repeat(40)], /prompt 0: it has 42 tokens, expected fewer/],
  [["--prompt", "Hi", "--adapter", "/none"], /Cannot find the model "\/none"/],
];

for (const [flags, message] of REFUSED) {
  Deno.test(`generate refuses ${flags.join(" ").slice(0, 40) || "no prompt"}`, async () => {
    await withModel(async (_folder, generate) => {
      const { code, out, err } = await generate(...flags);
      match(err, message);
      match(err, /^error: [^\n]*\n$/m);
      strictEqual(out, "");
      strictEqual(code, 1);
    });
  });
}
