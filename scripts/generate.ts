import { dirname } from "node:path";
import {
  askedOf,
  encodePrompt,
  type Prompt,
  readPrompts,
} from "lib/data/tokenize/prompts.ts";
import { LEFT_OUT, type Part } from "lib/data/tokenize/left_out.ts";
import { makeFolder } from "lib/files/temporary.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { parseFlags, refuseGiven, UsageError } from "lib/cli/flags.ts";
import { resolveDevice } from "lib/onnx/devices.ts";
import { note, runVerb, say } from "lib/cli/terminal.ts";
import { Clock } from "lib/record/record.ts";
import { inputProgress } from "./train/download_progress.ts";
import { requireBaseWeights, requirePrecision } from "lib/run/plan.ts";
import { containerOf } from "lib/data/write/rows_file.ts";
import {
  type Answer,
  generateAnswers,
  leftOutCounts,
  type Question,
} from "./generate/answers.ts";
import {
  GENERATE,
  type GenerateFlags,
  type GenerateSettings,
} from "./generate/flags.ts";
import { answerRow, writeAnswers } from "./generate/rows.ts";
import { openPolicy } from "lib/run/models.ts";

await runVerb(
  () => parseFlags(GENERATE, Deno.args),
  async ({ values, given }) => {
    const clock = new Clock();
    const { out } = values;
    checkFlags(values, given);
    const prompts = await givenPrompts(values);
    const device = await resolveDevice(values.device);
    await requireBaseWeights(values.baseWeights, { ...values, device });
    await requirePrecision(values.precision, device);
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
    const settings = { ...values, device };
    const questions = questionsOf(prompts, tokenizer, values);
    noteLeftOut(questions);
    using _ = out === undefined ? null : await makeFolder(dirname(out));
    clock.lap("load");
    const answers = await generateAnswers(questions, {
      ...settings,
      policy: model.policy,
      tokenizer,
    });
    clock.lap("generate");
    if (out === undefined) return print(answers, settings);
    const timings = clock.timings();
    await writeAnswers(out, answers, { settings, model, tokenizer, timings });
    say(`Wrote ${answers.length} completions to ${out}`);
  },
  () => "Stopped; nothing was written",
);

/** @throws Error for flags that have no use together, or no file to write. */
function checkFlags(
  { out, samples, temperature, prompt, prompts }: GenerateFlags,
  given: ReadonlySet<string>,
): void {
  if (out !== undefined) {
    containerOf(out);
    refuseGiven(given, ["json"], "with --out, which has the same objects");
  }
  if (temperature === 0) {
    refuseGiven(
      given,
      [...samples > 1 ? ["samples"] : [], "topK", "topP", "minP"],
      "at temperature 0, which takes the likeliest token; expected --temperature above 0",
    );
  }
  if (prompt !== undefined || prompts !== undefined) return;
  throw new UsageError(
    "Nothing to continue: expected --prompt TEXT or --prompts FILE",
  );
}

async function givenPrompts(
  { prompt, prompts }: GenerateFlags,
): Promise<Prompt[]> {
  const given = prompt === undefined
    ? []
    : [{ content: prompt, location: "--prompt" }];
  return [...given, ...prompts === undefined ? [] : await readPrompts(prompts)];
}

function questionsOf(
  prompts: readonly Prompt[],
  tokenizer: Tokenizer,
  flags: GenerateFlags,
): Question[] {
  const { raw, system, template, templateName } = flags;
  const chat = !raw && tokenizer.chatTemplate !== null;
  if (!chat) refuseChatFlags(flags);
  // The text of rows for training stays text, unless --template says otherwise.
  const given = prompts.map((prompt) =>
    template ? { ...prompt, plain: false } : prompt
  );
  if (chat) tellOfPlain(given, system);
  return given.map((prompt) => {
    const leftOut: Part[] = [];
    const ids = encodePrompt(prompt, tokenizer, {
      ...{ chat, system, templateName, templateOptions: flags.templateOption },
      onLeftOut: (part) => leftOut.push(part),
    });
    return { prompt: askedOf(prompt, { chat, system }), ids, leftOut };
  });
}

function refuseChatFlags({ system, template }: GenerateFlags): void {
  for (const [name, value] of Object.entries({ system, template })) {
    if (!value) continue;
    throw new Error(
      `Cannot use --${name}: expected a model with a chat template, and no --raw`,
    );
  }
}

/** Says to how many prompts the template is not applied, or refuses a system. */
function tellOfPlain(
  prompts: readonly Prompt[],
  system: string | undefined,
): void {
  const plain = prompts.filter((prompt) => prompt.plain);
  const [first] = plain;
  if (!first) return;
  if (system !== undefined) {
    throw new Error(
      `Cannot use --system with ${first.location}: its completions make it text ` +
        "for training, to which no chat template is applied (--template applies it)",
    );
  }
  note(
    `${plain.length} of ${prompts.length} prompts: text of rows for training, ` +
      "to which the chat template is not applied (--template applies it)",
  );
}

function noteLeftOut(questions: readonly Question[]): void {
  for (const [part, count] of leftOutCounts(questions)) {
    note(
      `${count} of ${questions.length} prompts: the chat template leaves out ` +
        LEFT_OUT[part],
    );
  }
}

function print(
  answers: readonly Answer[],
  settings: GenerateSettings,
): void {
  for (const answer of answers) {
    if (settings.json) say(JSON.stringify(answerRow(answer, settings)));
    else if (answers.length === 1) say(answer.text);
    else say(`${heading(answer.question)}\n${answer.text}\n`);
  }
}

function heading({ prompt }: Question): string {
  const text = typeof prompt === "string" ? prompt : prompt.at(-1)!.content;
  return `> ${text}`;
}
