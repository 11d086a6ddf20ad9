import { dirname } from "node:path";
import {
  askedOf,
  type Asking,
  encodePrompt,
  type Prompt,
  readPrompts,
} from "lib/data/tokenize/prompts.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { resolveDevice } from "lib/onnx/devices.ts";
import { runVerb, say } from "lib/cli/terminal.ts";
import {
  type FlagValues,
  integer,
  number,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { Clock } from "lib/record/record.ts";
import { DEVICE_FLAGS, WEIGHT_FLAGS } from "lib/run/computing_settings.ts";
import { TOKENIZING_FLAGS } from "lib/run/row_settings.ts";
import { inputProgress } from "./train/download_progress.ts";
import { refuseQuantized } from "lib/run/plan.ts";
import { containerOf } from "./data/outputs.ts";
import {
  type Answer,
  generateAnswers,
  type Question,
  stopsOf,
} from "./generate/answers.ts";
import { answerRow, writeAnswers } from "./generate/rows.ts";
import { openPolicy } from "lib/run/models.ts";

const PROMPTS = "Prompts";
const SAMPLING = "Sampling, in this order";

const GENERATE = {
  name: "generate",
  summary: "Continues prompts with a model, and an adapter if there is one.",
  flags: {
    model: text({
      help: "model folder or .gguf file, or org/name[@revision][:file.gguf]",
      placeholder: "DIR|GGUF|ID",
      required: true,
    }),
    adapter: text({
      help: "LoRA adapter folder, or org/name[@revision]",
      placeholder: "DIR|ID",
    }),
    out: text({
      help: "JSONL file to write, an object a completion, with a record beside",
      placeholder: "FILE",
    }),
    json: toggle({ help: "print the same objects instead" }),
    prompt: text({ help: "what to continue", group: PROMPTS }),
    prompts: text({
      help: "lines of a .txt, or rows of data with prompt or messages",
      placeholder: "FILE",
      group: PROMPTS,
    }),
    system: text({ help: "system message", group: PROMPTS }),
    raw: toggle({
      help: "continue text as it is, even if the model has a chat template",
      group: PROMPTS,
    }),
    templateOption: { ...TOKENIZING_FLAGS.templateOption, group: PROMPTS },
    repetitionPenalty: number({
      help: "divides positive logits of tokens that are there already, and " +
        "multiplies negative ones",
      above: 0,
      group: SAMPLING,
    }),
    temperature: number({
      help: "divides the logits; 0 takes the likeliest token",
      default: 0,
      min: 0,
      group: SAMPLING,
    }),
    topK: integer({
      help: "draws from so many tokens, the likeliest",
      min: 1,
      group: SAMPLING,
    }),
    topP: number({
      help: "draws from the fewest tokens that are this likely together",
      above: 0,
      max: 1,
      group: SAMPLING,
    }),
    minP: number({
      help: "draws from tokens this many times as likely as the likeliest",
      min: 0,
      max: 1,
      group: SAMPLING,
    }),
    samples: integer({
      help: "completions of each prompt",
      default: 1,
      min: 1,
      group: SAMPLING,
    }),
    seed: integer({
      help: "of the random numbers; a prompt has its own, whatever the others",
      default: 0,
      group: SAMPLING,
    }),
    maxNewTokens: integer({
      help: "most tokens of a completion",
      default: 256,
      min: 1,
      group: "Ending",
    }),
    stop: text({
      help: "text before which a completion ends, or a JSON list of such",
      placeholder: "TEXT|JSON",
      group: "Ending",
    }),
    batch: integer({
      help: "completions computed together, in memory at once",
      default: 16,
      min: 1,
      group: "Computing",
    }),
    ...DEVICE_FLAGS,
    ...WEIGHT_FLAGS,
  },
  examples: [
    'deno task generate --model HuggingFaceTB/SmolLM2-135M-Instruct --prompt "What is the capital of France?"',
    'deno task generate --model runs/base --raw --prompt "Once upon a time" --temperature 0.8 --min-p 0.05 --samples 4',
    "deno task generate --model runs/base --adapter runs/dpo/adapter --prompts prompts.jsonl --out answers.jsonl",
  ],
} as const satisfies Verb;
type Values = FlagValues<typeof GENERATE.flags>;

await runVerb(() => parseFlags(GENERATE, Deno.args), async ({ values }) => {
  const clock = new Clock();
  const { out, json, ...rest } = values;
  checkFlags(values);
  const prompts = await givenPrompts(values);
  const device = await resolveDevice(values.device);
  refuseQuantized(values.baseWeights, device);
  const model = await openPolicy(values.model, values.adapter, {
    ...values,
    ...inputProgress(),
  });
  const tokenizer = await loadTokenizer(model.folder);
  if (tokenizer === null) {
    throw new Error(
      `Cannot generate text with ${values.model}: it has no tokenizer`,
    );
  }
  const settings = { ...rest, device, stop: stopsOf(values.stop) };
  const questions = questionsOf(prompts, tokenizer, values);
  if (out !== undefined) await Deno.mkdir(dirname(out), { recursive: true });
  clock.lap("load");
  const answers = await generateAnswers(questions, {
    ...settings,
    policy: model.policy,
    tokenizer,
  });
  clock.lap("generate");
  if (out === undefined) return print(answers, { json, settings });
  const timings = clock.timings();
  await writeAnswers(out, answers, { settings, model, tokenizer, timings });
  say(`Wrote ${answers.length} completions to ${out}`);
});

/** @throws Error for flags that have no use together, or no file to write. */
function checkFlags(
  { out, json, samples, temperature, topK, topP, minP, ...values }: Values,
): void {
  if (out !== undefined) containerOf(out);
  if (out !== undefined && json) {
    throw new Error("Cannot use --json with --out, which has the same objects");
  }
  if (temperature === 0) {
    const idle = [
      samples > 1 && `draw --samples ${samples}`,
      topK !== undefined && "use --top-k",
      topP !== undefined && "use --top-p",
      minP !== undefined && "use --min-p",
    ].find((flag) => flag !== false);
    if (idle !== undefined) {
      throw new Error(
        `Cannot ${idle} at temperature 0, which takes the likeliest token; expected --temperature above 0`,
      );
    }
  }
  if (values.prompt !== undefined || values.prompts !== undefined) return;
  throw new Error(
    "Nothing to continue: expected --prompt TEXT or --prompts FILE",
  );
}

async function givenPrompts({ prompt, prompts }: Values): Promise<Prompt[]> {
  const given = prompt === undefined
    ? []
    : [{ content: prompt, location: "--prompt" }];
  return [...given, ...prompts === undefined ? [] : await readPrompts(prompts)];
}

function questionsOf(
  prompts: readonly Prompt[],
  tokenizer: Tokenizer,
  { raw, system, templateOption: templateOptions }: Values,
): Question[] {
  const asking: Asking = {
    chat: !raw && tokenizer.chatTemplate !== null,
    system,
  };
  if (system !== undefined && !asking.chat) {
    throw new Error(
      "Cannot use --system: expected a model with a chat template, and no --raw",
    );
  }
  return prompts.map((prompt) => ({
    prompt: askedOf(prompt, asking),
    ids: encodePrompt(prompt, tokenizer, { ...asking, templateOptions }),
  }));
}

function print(
  answers: readonly Answer[],
  { json, settings }: {
    json: boolean;
    settings: Parameters<typeof answerRow>[1];
  },
): void {
  for (const answer of answers) {
    if (json) say(JSON.stringify(answerRow(answer, settings)));
    else if (answers.length === 1) say(answer.text);
    else say(`${heading(answer.question)}\n${answer.text}\n`);
  }
}

function heading({ prompt }: Question): string {
  const text = typeof prompt === "string" ? prompt : prompt.at(-1)!.content;
  return `> ${text}`;
}
