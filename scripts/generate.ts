import { encodePrompt, type Prompt, readPrompts } from "lib/data/prompts.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer.ts";
import { parseFlags } from "lib/flags.ts";
import { type Completion, createGenerator } from "lib/models/generate.ts";
import type { Policy } from "lib/models/policy.ts";
import { resolveDevice } from "lib/onnx/devices.ts";
import type { Device } from "lib/onnx/providers.ts";
import { createState } from "lib/onnx/state.ts";
import { Rng } from "lib/rng.ts";
import { progress, runVerb, say } from "lib/terminal.ts";
import {
  type FlagValues,
  integer,
  number,
  text,
  toggle,
  type Verb,
} from "lib/verb.ts";
import { computing } from "./computing_flags.ts";
import { openPolicy } from "./open_policy.ts";

const GENERATE = {
  name: "generate",
  summary: "Continues prompts with a model, and an adapter if there is one.",
  flags: {
    model: text({
      help: "model folder, or org/name[@revision]",
      placeholder: "DIR|ID",
      required: true,
    }),
    adapter: text({
      help: "LoRA adapter folder, or org/name[@revision]",
      placeholder: "DIR|ID",
    }),
    prompt: text({ help: "what to continue", group: "Prompts" }),
    prompts: text({
      help: "lines of a .txt, or JSONL rows with prompt or messages",
      placeholder: "FILE",
      group: "Prompts",
    }),
    system: text({ help: "system message", group: "Prompts" }),
    raw: toggle({
      help: "continue text as it is, even if the model has a chat template",
      group: "Prompts",
    }),
    maxNewTokens: integer({
      help: "most tokens of a completion",
      default: 256,
      min: 1,
      group: "Sampling",
    }),
    temperature: number({
      help: "divides the logits; 0 takes the likeliest token",
      default: 0,
      min: 0,
      group: "Sampling",
    }),
    topP: number({
      help: "draws from the fewest tokens that are this likely together",
      default: 1,
      above: 0,
      max: 1,
      group: "Sampling",
    }),
    samples: integer({
      help: "completions of each prompt",
      default: 1,
      min: 1,
      group: "Sampling",
    }),
    seed: integer({
      help: "of the random numbers",
      default: 0,
      group: "Sampling",
    }),
    batch: integer({
      help: "completions computed together; changes nothing but speed",
      default: 16,
      min: 1,
      group: "Computing",
    }),
    ...computing,
    json: toggle({ help: "print one JSON object a completion, with its ids" }),
  },
  examples: [
    'deno task generate --model HuggingFaceTB/SmolLM2-135M-Instruct --prompt "What is the capital of France?"',
    'deno task generate --model runs/base --raw --prompt "Once upon a time" --temperature 0.8 --samples 4',
    "deno task generate --model runs/base --adapter runs/dpo/adapter --prompts prompts.jsonl --json > answers.jsonl",
  ],
} as const satisfies Verb;
type Values = FlagValues<typeof GENERATE.flags>;

await runVerb(
  () => parseFlags(GENERATE, Deno.args),
  async ({ values }) => {
    const prompts = await givenPrompts(values);
    const { policy, folder } = await openPolicy(values.model, values.adapter);
    const tokenizer = await loadTokenizer(folder);
    if (tokenizer === null) {
      throw new Error(
        `Cannot generate text with ${folder}: it has no tokenizer.json`,
      );
    }
    const ids = encode(prompts, tokenizer, values);
    const device = await resolveDevice(values.device);
    const completions = await generate(policy, ids, { ...values, device });
    print(prompts, completions, { tokenizer, json: values.json });
  },
);

async function givenPrompts(
  { prompt, prompts, samples, temperature }: Values,
): Promise<Prompt[]> {
  if (samples > 1 && temperature === 0) {
    throw new Error(
      `Cannot draw --samples ${samples} at temperature 0, where all are the same; expected --temperature above 0`,
    );
  }
  const given = prompt === undefined
    ? []
    : [{ content: prompt, where: "--prompt" }];
  const read = prompts === undefined ? [] : await readPrompts(prompts);
  if (given.length + read.length > 0) return [...given, ...read];
  throw new Error(
    "Nothing to continue: expected --prompt TEXT or --prompts FILE",
  );
}

function encode(
  prompts: readonly Prompt[],
  tokenizer: Tokenizer,
  { raw, system }: Values,
): (readonly number[])[] {
  const chat = !raw && tokenizer.chatTemplate !== null;
  if (system !== undefined && !chat) {
    throw new Error(
      "Cannot use --system: expected a model with a chat template, and no --raw",
    );
  }
  return prompts.map((p) => encodePrompt(p, tokenizer, { chat, system }));
}

async function generate(
  policy: Policy,
  prompts: (readonly number[])[],
  { device, threads, seed, ...options }: Values & { device: Device },
): Promise<Completion[][]> {
  const generator = await createGenerator(policy, { device, threads });
  const state = await createState(policy.trained, device);
  await state.write(policy.initial);
  const rng = new Rng(seed);
  const total = prompts.length * options.samples;
  using shown = progress({ title: "completions", total });
  const start = performance.now();
  let done = 0;
  let tokens = 0;
  const completions = await generator.generate(prompts, {
    ...options,
    parameters: state.tensors,
    stream: (label) => rng.split(label),
    onDone: (some) => {
      done += some.length;
      tokens += some.reduce((sum, { ids }) => sum + ids.length, 0);
      const seconds = (performance.now() - start) / 1000;
      shown.update(done, { "tokens/s": tokens / seconds });
    },
  });
  await state.release();
  await generator.release();
  return completions;
}

function print(
  prompts: readonly Prompt[],
  completions: readonly (readonly Completion[])[],
  { tokenizer, json }: { tokenizer: Tokenizer; json: boolean },
): void {
  const single = completions.flat().length === 1;
  for (const [i, some] of completions.entries()) {
    const prompt = prompts[i]!.content;
    for (const [sample, { ids, finish }] of some.entries()) {
      const completion = tokenizer.decode(ids, { skipSpecialTokens: true });
      if (json) {
        const finished = finish !== "length";
        say(JSON.stringify({ prompt, sample, completion, ids, finished }));
      } else {
        say(single ? completion : `${heading(prompt)}\n${completion}\n`);
      }
    }
  }
}

function heading(prompt: Prompt["content"]): string {
  const text = typeof prompt === "string" ? prompt : prompt.at(-1)!.content;
  return `> ${text}`;
}
