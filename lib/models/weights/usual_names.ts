import { architectureOf } from "../architecture.ts";
import type { DecoderConfig } from "../config.ts";
import { parameterNames } from "../parameters.ts";
import type { Weights } from "../weights.ts";

/**
 * A model's weights by the names of {@linkcode parameterNames}, under which
 * transformers has them in memory and saves them, though some stand otherwise
 * in files: GPT-2's without the `transformer.` of a model with a head, that of
 * GPT-NeoX's head by its newer name.
 */
export function withUsualNames(
  config: DecoderConfig,
  weights: Weights,
): Weights {
  const stored = new Map<string, string>();
  for (const { name } of parameterNames(config)) {
    const found = weights.get(name)
      ? undefined
      : otherNames(config, name).find((other) => weights.get(other));
    if (found !== undefined) stored.set(name, found);
  }
  if (stored.size === 0) return weights;
  const usual = new Map(stored.entries().map(([name, other]) => [other, name]));
  const nameOf = (name: string) => stored.get(name) ?? name;
  return {
    ...weights,
    names: () => weights.names().map((name) => usual.get(name) ?? name),
    get: (name) => weights.get(nameOf(name)),
    read: (name) => weights.read(nameOf(name)),
  };
}

const HEAD = "lm_head.weight";

function otherNames(config: DecoderConfig, name: string): string[] {
  const { names } = architectureOf(config);
  if (name === `${names.head}.weight`) return [HEAD];
  const [, ...rest] = name.split(".");
  return [rest.join(".")];
}
