import { ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  countParameters,
  parameterNames,
  readConfig,
} from "lib/models/config.ts";
import { smolLm2Test } from "./smollm2.ts";

const PROGRAM = fileURLToPath(new URL("./loaded_memory.ts", import.meta.url));

/** What a process of its own takes that loads a model. */
async function load(
  folder: string,
  tuning: string,
): Promise<{ seconds: number; bytes: number; trained: number }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM, folder, tuning],
  }).output();
  const text = new TextDecoder();
  strictEqual(code, 0, text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}

for (const tuning of ["lora", "full"]) {
  smolLm2Test(
    `SmolLM2 loads for ${tuning} tuning in 5 s and 1.3 times its float32 weights`,
    async (folder) => {
      const config = await readConfig(folder);
      const base = countParameters(parameterNames(config));
      const { seconds, bytes, trained } = await load(folder, tuning);
      ok(seconds <= 5, `${seconds} s`);
      const adapters = tuning === "lora" ? trained : 0;
      const weights = 4 * (base + adapters);
      ok(bytes <= 1.3 * weights, `${bytes / weights} times the weights`);
    },
    { ignore: Deno.build.os !== "linux" },
  );
}
