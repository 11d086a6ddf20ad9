import {
  completionText,
  cutAtStop,
} from "lib/data/tokenize/completion_text.ts";
import { type Part, PARTS } from "lib/data/tokenize/left_out.ts";
import type { Prompt } from "lib/data/tokenize/prompts.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import {
  type Completion,
  createGenerator,
  namesByContent,
} from "lib/models/generate/generate.ts";
import type { Policy } from "lib/models/policy.ts";
import { createState } from "lib/onnx/state.ts";
import { Rng } from "lib/rng.ts";
import { progress } from "lib/cli/terminal.ts";
import type { GenerateSettings } from "./flags.ts";

/** A prompt for the model. */
export interface Question {
  readonly prompt: Prompt["content"];
  readonly ids: readonly number[];
  /** Parts that the chat template leaves out. */
  readonly leftOut: readonly Part[];
}

/** Numbers of the questions of which the chat template leaves a part out. */
export function leftOutCounts(
  questions: readonly Question[],
): [Part, number][] {
  return PARTS.flatMap((part): [Part, number][] => {
    const some = questions.filter(({ leftOut }) => leftOut.includes(part));
    return some.length === 0 ? [] : [[part, some.length]];
  });
}

/** A completion and its text. */
export interface Answer extends Completion {
  readonly question: Question;
  /** Number of the completion among those of its question, from 0. */
  readonly sample: number;
  /** The text without special tokens, cut before the stop text. */
  readonly text: string;
}

/** Draws answers from a model and shows the progress. */
export async function generateAnswers(
  questions: readonly Question[],
  { policy, tokenizer, stop, ...settings }: GenerateSettings & {
    policy: Policy;
    tokenizer: Tokenizer;
  },
): Promise<Answer[]> {
  const { device, precision, threads, seed } = settings;
  const computing = { device, precision, threads };
  const generator = await createGenerator(policy, computing);
  const state = await createState([policy.trained], device);
  await state.write(policy.initial);
  const prompts = questions.map(({ ids }) => ids);
  const said = (ids: readonly number[], i: number) =>
    cutAtStop(textOf(ids, questions[i]!, tokenizer), stop);
  const { eosIds } = policy.config;
  const { eosId } = tokenizer;
  const rng = new Rng(seed);
  using shown = progress({
    title: "completions",
    total: questions.length * settings.samples,
  });
  const completions = await generator.generate(prompts, {
    ...settings,
    parameters: state.tensors,
    names: namesByContent(prompts),
    stream: (label) => rng.split(label),
    stopIds: eosId === null ? eosIds : [...eosIds, eosId],
    ...stop.length > 0 && { stop: (ids, i) => said(ids, i).cut },
    onDone: counter(shown),
  });
  await state.release();
  await generator.release();
  return questions.flatMap((question, i) =>
    completions[i]!.map((completion, sample) => {
      const { text } = said(completion.ids, i);
      return { ...completion, question, sample, text };
    })
  );
}

/** Text of a completion; after a plain text it is decoded as its continuation. */
function textOf(
  ids: readonly number[],
  { prompt, ids: after }: Question,
  tokenizer: Tokenizer,
): string {
  const context = typeof prompt === "string" ? { after } : {};
  return completionText(ids, { tokenizer, ...context });
}

/** Counts completions, and their tokens a second. */
function counter(shown: ReturnType<typeof progress>) {
  const start = performance.now();
  let done = 0;
  let tokens = 0;
  return (some: readonly Completion[]) => {
    done += some.length;
    tokens += some.reduce((sum, { ids }) => sum + ids.length, 0);
    const seconds = (performance.now() - start) / 1000;
    shown.update(done, { "tokens/s": tokens / seconds });
  };
}
