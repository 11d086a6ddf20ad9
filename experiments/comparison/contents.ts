import { readText } from "lib/files/read_json.ts";
import { parseHubId } from "lib/hub/repo.ts";
import { loadModel, type RunModel } from "lib/run/inputs.ts";
import type { InputHooks } from "lib/run/models.ts";
import { sourceName } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { checkMethods } from "./methods.ts";
import { type Preferences, readPreferences } from "./preferences.ts";
import type { ComparisonSettings } from "./settings.ts";

/** The model and the data of a comparison. */
export interface Inputs {
  readonly model: RunModel;
  readonly preferences: Preferences;
  readonly tokenizer: Awaited<ReturnType<typeof loadModel>>["tokenizer"];
  /** Text whose perplexity is measured; `null` without one. */
  readonly controlText: string | null;
}

type Wanted = Omit<ComparisonSettings, "contents">;

/**
 * Reads the model and the data that settings name.
 *
 * @throws Error for the first thing that is missing or wrong.
 */
async function readInputs(
  settings: Wanted,
  hooks: InputHooks = {},
): Promise<Inputs> {
  // Adapters of every seed have one shape, and begin at no weight.
  const { model, tokenizer } = await loadModel(
    { ...settings.train, seed: 0 },
    hooks,
  );
  const reader = { tokenizer, config: model.policy.config };
  const preferences = await readPreferences(settings, reader, hooks);
  const { controlText } = settings.evaluation;
  return {
    ...{ model, tokenizer, preferences },
    controlText: controlText === null ? null : await readText(controlText),
  };
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
): Promise<{ settings: ComparisonSettings; preferences: Preferences }> {
  checkMethods(settings);
  const inputs = await readInputs(settings, hooks);
  const { preferences } = inputs;
  const train = pinned(settings.train, inputs);
  const contents = contentsOf(inputs);
  return { settings: { ...settings, train, contents }, preferences };
}

/**
 * Reads the model and the data of a comparison.
 *
 * @throws Error where they are others than those of its settings.
 */
export async function sameInputs(
  settings: ComparisonSettings,
): Promise<Inputs> {
  const inputs = await readInputs(settings);
  const found = contentsOf(inputs);
  const places = { ...settings.train, ...settings.evaluation };
  for (const name of ["model", "data", "evalData", "controlText"] as const) {
    if (found[name] === settings.contents[name]) continue;
    throw new Error(
      `Cannot use ${
        places[name]
      }: its contents are no longer those that the comparison began with`,
    );
  }
  return inputs;
}

function contentsOf(
  { model, preferences: { read: [data, evalData] }, controlText }: Inputs,
): ComparisonSettings["contents"] {
  return {
    model: model.adapterHash === null
      ? model.hash
      : `${model.hash}+${model.adapterHash}`,
    data: data!.description.sha256,
    evalData: evalData?.description.sha256 ?? null,
    controlText: controlText === null ? null : sha256(controlText),
  };
}

/** Settings whose ids of the Hub name the commits that were read. */
function pinned(
  train: Wanted["train"],
  { model, preferences: { read: [data, evalData] } }: Inputs,
): Wanted["train"] {
  const at = (place: string, source: string) =>
    parseHubId(place) === null ? place : source;
  const { tuning } = train;
  return {
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
}
