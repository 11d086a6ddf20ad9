import {
  type FlagValues,
  grouped,
  integer,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { SAMPLING, SAMPLING_FLAGS } from "lib/models/generate/warpers.ts";
import type { Device } from "lib/onnx/providers.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import {
  COMPUTING,
  DEVICE_FLAGS,
  MODEL_FLAGS,
  PRECISION_FLAGS,
  WEIGHT_FLAGS,
} from "lib/run/model_settings.ts";
import { TOKENIZING_FLAGS } from "lib/run/row_settings.ts";

/** The verb `generate`. */
export const GENERATE = {
  name: "generate",
  summary: "Continues prompts with a model, and an adapter if there is one.",
  flags: {
    ...MODEL_FLAGS,
    out: text({
      help:
        "JSONL file to write, one object a completion, with a record beside it",
      placeholder: "FILE",
    }),
    json: toggle({ help: "print these objects instead of texts" }),
    ...grouped("Prompts", {
      prompt: text({ help: "text or question to continue" }),
      prompts: text({
        help:
          "file of prompts: lines of a .txt, or rows with prompt or messages; rows for training have the prompt that training sees",
        placeholder: "FILE",
      }),
      system: text({ help: "system message before each prompt" }),
      raw: toggle({
        help:
          "continue prompts as plain text, even if the model has a chat template",
      }),
      template: toggle({
        help: "put the text of rows for training through the chat template, " +
          "as train --template does",
      }),
      templateName: TOKENIZING_FLAGS.templateName,
      templateOption: TOKENIZING_FLAGS.templateOption,
    }),
    ...SAMPLING_FLAGS,
    temperature: { ...SAMPLING_FLAGS.temperature, default: 0 },
    ...grouped(SAMPLING, {
      samples: integer({
        help: "completions of each prompt",
        default: 1,
        min: 1,
      }),
      seed: integer({
        help:
          "seed of the draws; those of a prompt do not depend on the others",
        default: 0,
      }),
    }),
    ...grouped("Ending", {
      maxNewTokens: integer({
        help: "most tokens of a completion",
        default: 256,
        min: 1,
      }),
      stop: parsed({
        help: "text before which a completion ends, or a JSON list of texts",
        placeholder: "TEXT|JSON",
        expected: "a text, or a JSON list of texts that are not empty",
        default: [],
        parse: parseStops,
        is: areTexts,
      }),
    }),
    batch: integer({
      help: "completions computed at once: bounds the memory",
      default: 16,
      min: 1,
      group: COMPUTING,
    }),
    ...DEVICE_FLAGS,
    ...WEIGHT_FLAGS,
    ...PRECISION_FLAGS,
  },
  elsewhere: ELSEWHERE,
  examples: [
    'deno task generate --model HuggingFaceTB/SmolLM2-135M-Instruct --prompt "What is the capital of France?"',
    'deno task generate --model runs/base --raw --prompt "Once upon a time" --temperature 0.8 --min-p 0.05 --samples 4',
    "deno task generate --model runs/base --adapter runs/dpo/adapter --prompts prompts.jsonl --out answers.jsonl",
  ],
} as const satisfies Verb;
/** Flags of `generate` as given. */
export type GenerateFlags = Readonly<FlagValues<typeof GENERATE.flags>>;

/** Flags of `generate` with the device that `auto` stands for. */
export type GenerateSettings = GenerateFlags & { readonly device: Device };

/** A JSON text or list of texts, or else the text itself. */
function parseStops(text: string): readonly string[] | undefined {
  const stops = [jsonOrText(text)].flat();
  return stops.length > 0 && areTexts(stops) ? stops : undefined;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) &&
    value.every((text) => typeof text === "string" && text !== "");
}

function jsonOrText(text: string): unknown {
  if (!/^\s*["[]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
