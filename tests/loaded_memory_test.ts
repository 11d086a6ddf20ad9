import { ok, strictEqual } from "node:assert/strict";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { readConfig } from "lib/models/read_config.ts";
import { checkout } from "./places.ts";
import { smolLm2Test } from "./smollm2.ts";

const PROGRAM = checkout("tests/loaded_memory.ts");

/** Ways to load: tuning, how base weights are held, and how much is allowed. */
const WAYS = [
  ["lora", "float32", 1.3],
  ["full", "float32", 1.3],
  // Embedding and head stay as they are stored: a fifth of this model. The
  // runtime takes another fifth.
  ["lora", "half", 1.05],
  ["lora", "int8", 0.9],
  ["lora", "int4", 0.85],
] as const;

/**
 * The time in which a model is loaded, at most, in units of what this processor
 * takes to round each of its numbers once.
 */
const PASSES = 12;

/** What a process of its own takes that loads a model. */
async function load(
  args: readonly string[],
): Promise<{ passes: number; bytes: number; trained: number }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM, ...args],
  }).output();
  const text = new TextDecoder();
  strictEqual(code, 0, text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}

for (const [tuning, held, most] of WAYS) {
  smolLm2Test(
    `SmolLM2 loads for ${tuning} tuning in ${held} in ${PASSES} passes and ${most} times its float32 weights`,
    async (folder) => {
      const config = await readConfig(folder);
      const base = countParameters(parameterNames(config));
      const { passes, bytes, trained } = await load([folder, tuning, held]);
      ok(passes <= PASSES, `${passes} passes`);
      const adapters = tuning === "lora" ? trained : 0;
      const weights = 4 * (base + adapters);
      ok(bytes <= most * weights, `${bytes / weights} times the weights`);
    },
    { ignore: Deno.build.os !== "linux" },
  );
}
