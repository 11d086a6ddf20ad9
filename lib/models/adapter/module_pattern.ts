/** Tells by the name of a module, such as `model.layers.0.mlp`, if it matches. */
export interface ModuleMatcher {
  readonly kind: "name" | "expression";
  matches(module: string): boolean;
}

/** Regular expressions of one pattern; names are cheap, these are not. */
export const MAX_EXPRESSIONS = 100;

/** Names with dots; `^` marks a whole name. */
const NAME = /^\^?\w+(\\?\.\w+)*$/;

/**
 * Reads a key of `rank_pattern` or `alpha_pattern` as PEFT does: a regular
 * expression of a name's last parts, `(.*\.)?(KEY)$` from the beginning.
 *
 * @returns null for an expression that Python alone knows, or that could take
 * for ever in a hostile file.
 */
export function moduleMatcher(pattern: string): ModuleMatcher | null {
  if (NAME.test(pattern)) return nameMatcher(pattern);
  if (!isQuick(pattern)) return null;
  try {
    // Under `u`, escapes that mean something else in Python are errors.
    const expression = RegExp(`^(.*\\.)?(${pattern})$`, "u");
    return {
      kind: "expression",
      matches: (module) =>
        module.length <= MAX_LENGTH && expression.test(module),
    };
  } catch {
    return null;
  }
}

function nameMatcher(pattern: string): ModuleMatcher {
  const name = pattern.replace(/^\^/, "").replaceAll("\\.", ".");
  const isWhole = pattern.startsWith("^");
  return {
    kind: "name",
    matches: (module) =>
      module === name || !isWhole && module.endsWith(`.${name}`),
  };
}

/** More than a pattern, or the name of a module, has characters. */
const MAX_LENGTH = 200;
const MAX_QUANTIFIERS = 8;
/** Those without a bound: the time grows by a name's length for each. */
const MAX_REPETITIONS = 4;
/** An escaped character, or a class of them. */
const ATOMS = /\\.|\[(\\.|[^\]\\])*\]/gs;
const REPETITION = /[*+]|\{\d*,?\d*\}/g;
/** What begins a group: not a quantifier. */
const GROUP_START = /\(\?(:|=|!|<=|<!)/g;

/**
 * Whether an expression takes a short time on short names: groups are not
 * repeated, and quantifiers are few.
 */
function isQuick(pattern: string): boolean {
  if (pattern.length > MAX_LENGTH) return false;
  const plain = pattern.replace(ATOMS, "x").replace(GROUP_START, "(");
  const repetitions = plain.match(REPETITION)?.length ?? 0;
  const optional = plain.split("?").length - 1;
  return repetitions <= MAX_REPETITIONS &&
    repetitions + optional <= MAX_QUANTIFIERS && !/\)[*+{]/.test(plain);
}
