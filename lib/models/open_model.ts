import { architectureOf } from "./architecture.ts";
import type { DecoderConfig } from "./config.ts";
import { parameterNames } from "./parameters.ts";
import { readConfig } from "./read_config.ts";
import { openWeights, type Weights } from "./weights.ts";
import { withUsualNames } from "./weights/usual_names.ts";

/** A model folder: what the model is, and its weights by their usual names. */
export interface OpenModel {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

/** What older files carry and every model computes again: frequencies, masks. */
const RECOMPUTED =
  /\.rotary_emb\.inv_freq$|\.(attn|attention)\.(masked_)?bias$/;

/**
 * Opens a Hugging Face model folder, and checks that its weights are those of
 * its configuration, no more and no less.
 *
 * @throws Error that names what is missing or wrong: the folder, a file and its
 * field, or a tensor with the shapes expected and found.
 */
export async function openModel(folder: string): Promise<OpenModel> {
  const config = await readConfig(folder);
  const weights = withUsualNames(config, await openWeights(folder));
  checkWeights(config, weights);
  return { config, weights };
}

function checkWeights(config: DecoderConfig, weights: Weights): void {
  const expected = parameterNames(config);
  for (const { name, shape } of expected) {
    const found = weights.get(name);
    if (found?.shape.join() === shape.join()) continue;
    throw new Error(
      `Cannot use tensor "${name}" of ${found?.file ?? weights.files}: ` +
        `expected shape [${shape}] as config.json has it, ` +
        `found ${found ? `[${found.shape}]` : "no such tensor"}`,
    );
  }
  const known = new Set(expected.map(({ name }) => name));
  if (config.tiedHead) {
    known.add(`${architectureOf(config).names.head}.weight`);
  }
  for (const name of weights.names()) {
    if (known.has(name) || RECOMPUTED.test(name)) continue;
    throw new Error(
      `Unknown tensor "${name}" in ${weights.get(name)?.file}: ` +
        `the configuration has no place for it`,
    );
  }
}
