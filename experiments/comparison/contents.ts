import { loadModel } from "lib/run/inputs.ts";
import type { InputHooks } from "lib/run/models.ts";
import { type Preferences, readPreferences } from "./preferences.ts";
import type { ComparisonSettings } from "./settings.ts";

/**
 * Reads the model and the data that settings name, and adds the hashes of their
 * contents.
 *
 * @throws Error for the first thing that is missing or wrong.
 */
export async function withContents(
  settings: Omit<ComparisonSettings, "contents">,
  hooks: InputHooks,
): Promise<{ settings: ComparisonSettings; preferences: Preferences }> {
  const { model, tokenizer } = await loadModel(
    { ...settings.train, seed: 0 },
    hooks,
  );
  const { config } = model.policy;
  const reading = { tokenizer, config };
  const preferences = await readPreferences(settings, reading, hooks);
  const contents = {
    model: model.hash,
    data: preferences.train.description.sha256,
    evalData: preferences.heldOutSource.sha256,
  };
  return { settings: { ...settings, contents }, preferences };
}
