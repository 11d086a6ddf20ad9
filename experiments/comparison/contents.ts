import {
  type MethodLosses,
  methodLosses,
} from "lib/experiment/method_losses.ts";
import { readText } from "lib/files/read_json.ts";
import { parseHubId } from "lib/hub/repo.ts";
import { loadModel, type RunModel } from "lib/run/inputs.ts";
import type { InputHooks } from "lib/run/models.ts";
import { parameterCounts } from "lib/run/record.ts";
import { sourceName } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { type Choices, readChoices } from "./choices.ts";
import { changed, type Judge } from "./judge.ts";
import { JudgeCommand } from "./judge_command.ts";
import { checkMethods } from "./methods.ts";
import {
  type Preferences,
  readPreferences,
  rowOptions,
} from "./preferences.ts";
import { RewardModel } from "./reward_model.ts";
import type { ComparisonSettings } from "./settings.ts";

/** The losses, the model and the data of a comparison. */
export interface Inputs {
  readonly losses: MethodLosses;
  readonly model: RunModel;
  readonly preferences: Preferences;
  readonly tokenizer: Awaited<ReturnType<typeof loadModel>>["tokenizer"];
  /** Text whose perplexity is measured; `null` without one. */
  readonly controlText: string | null;
  /** Questions with answers to choose from; `null` without any. */
  readonly choices: Choices | null;
}

type Wanted = Omit<ComparisonSettings, "contents">;

/**
 * Reads the losses, the model and the data that settings name.
 *
 * @throws Error for the first thing that is missing or wrong.
 */
async function readInputs(
  settings: Wanted,
  hooks: InputHooks = {},
): Promise<Inputs> {
  const losses = await methodLosses(settings.methods);
  checkMethods(settings, losses);
  // Adapters of every seed have one shape, and begin at no weight.
  const { model, tokenizer } = await loadModel(
    { ...settings.train, seed: 0 },
    hooks,
  );
  const reader = { tokenizer, config: model.policy.config };
  const preferences = await readPreferences(settings, reader, hooks);
  const { train, evaluation: { controlText, choices } } = settings;
  const options = rowOptions(train, reader);
  const template = options.template || preferences.isChat;
  return {
    ...{ losses, model, tokenizer, preferences },
    controlText: controlText === null ? null : await readText(controlText),
    choices: choices === undefined
      ? null
      : await readChoices(choices, { ...options, template }, hooks),
  };
}

/**
 * Opens the judge that settings name; `null` without one.
 *
 * @throws Error where it cannot be used.
 */
async function readJudge(
  { train: { threads, data }, evaluation: { judge } }: Wanted,
  { prompts }: Preferences,
): Promise<Judge | null> {
  if (judge === undefined) return null;
  if (prompts.includes(null)) {
    throw new Error(
      `Cannot score answers to ${data}: its prompts are token ids, expected text`,
    );
  }
  return "command" in judge
    ? await JudgeCommand.open(judge.command)
    : await RewardModel.open(judge.rewardModel, { threads });
}

/**
 * Opens the judge of a comparison; `null` without one.
 *
 * @throws Error where it is another than that of its settings.
 */
export async function sameJudge(
  settings: ComparisonSettings,
  preferences: Preferences,
): Promise<Judge | null> {
  const judge = await readJudge(settings, preferences);
  if (judge === null || judge.hash === (settings.contents.judge ?? null)) {
    return judge;
  }
  await judge.release();
  throw changed(judge.place);
}

/** Settings with the contents of what they name, and what was read of it. */
export interface WithContents extends Pick<Inputs, "preferences" | "choices"> {
  readonly settings: ComparisonSettings;
  readonly parameters: ReturnType<typeof parameterCounts>;
}

/**
 * Reads the model and the data that settings name, and adds the hashes of their
 * contents and the commits that ids of the Hub mean now.
 *
 * @throws Error for the first thing that is missing or wrong.
 */
export async function withContents(
  settings: Wanted,
  hooks: InputHooks,
): Promise<WithContents> {
  const inputs = await readInputs(settings, hooks);
  const { preferences, choices } = inputs;
  const { train, evaluation } = pinned(settings, inputs);
  const judge = await readJudge(settings, preferences);
  const contents = {
    ...contentsOf(inputs),
    ...judge?.hash && { judge: judge.hash },
  };
  await judge?.release();
  return {
    settings: { ...settings, train, evaluation, contents },
    ...{ preferences, choices },
    parameters: parameterCounts(inputs.model),
  };
}

const READ = ["model", "data", "evalData", "controlText", "choices"] as const;

/**
 * Reads the losses, the model and the data of a comparison.
 *
 * @throws Error where they are others than those of its settings.
 */
export async function sameInputs(
  settings: ComparisonSettings,
): Promise<Inputs> {
  const inputs = await readInputs(settings);
  const found = contentsOf(inputs);
  const places = { ...settings.train, ...settings.evaluation };
  for (const name of READ) {
    if (found[name] !== settings.contents[name]) throw changed(places[name]);
  }
  return inputs;
}

function contentsOf(
  { model, preferences: { read: [data, evalData] }, controlText, choices }:
    Inputs,
): ComparisonSettings["contents"] {
  return {
    model: model.adapterHash === null
      ? model.hash
      : `${model.hash}+${model.adapterHash}`,
    data: data!.description.sha256,
    evalData: evalData?.description.sha256 ?? null,
    controlText: controlText === null ? null : sha256(controlText),
    ...choices && { choices: choices.hash },
  };
}

/** Settings whose ids of the Hub name the commits that were read. */
function pinned(
  { train, evaluation }: Wanted,
  { model, preferences: { read: [data, evalData] }, choices }: Inputs,
): Pick<Wanted, "train" | "evaluation"> {
  const at = (place: string, source: string) =>
    parseHubId(place) === null ? place : source;
  const { tuning } = train;
  const pinnedTrain = {
    ...train,
    model: at(train.model, model.source),
    data: at(train.data, data!.description.source),
    evalData: evalData
      ? at(train.evalData!, evalData.description.source)
      : null,
    tuning: tuning.kind === "adapter"
      ? {
        ...tuning,
        adapter: at(tuning.adapter, sourceName(model.adapterSource!)),
      }
      : tuning,
  };
  return {
    train: pinnedTrain,
    evaluation: {
      ...evaluation,
      ...choices &&
        { choices: at(evaluation.choices!, choices.source.source) },
    },
  };
}
