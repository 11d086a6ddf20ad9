import type { Family } from "./family.ts";
import { gemma, gemma2, gemma3 } from "./families/gemma.ts";
import { gpt2 } from "./families/gpt2.ts";
import { gptneox } from "./families/gpt_neox.ts";
import { granite, llama, smollm3 } from "./families/llama.ts";
import { olmo, olmo2 } from "./families/olmo.ts";
import { phi3 } from "./families/phi3.ts";
import { qwen2, qwen3 } from "./families/qwen.ts";
import { stablelm } from "./families/stablelm.ts";
import { starcoder2 } from "./families/starcoder2.ts";

/** Families by GGUF's `general.architecture`. */
export const FAMILIES: ReadonlyMap<string, Family> = new Map(
  Object.entries({
    llama,
    gemma,
    gemma2,
    gemma3,
    gpt2,
    gptneox,
    granite,
    olmo,
    olmo2,
    phi3,
    qwen2,
    qwen3,
    smollm3,
    stablelm,
    starcoder2,
  }),
);
