import { lossLengths, type TokenRow } from "../data/example.ts";
import { rowTokens } from "../data/tree_batch.ts";
import { architectureOf } from "../models/config.ts";
import { linearParameters, type Parameter } from "../models/parameters.ts";
import type { Policy } from "../models/policy.ts";

/** Floating-point operations that a training step cannot do without. */
export interface NeededFlops {
  /** Products with the weights of the blocks' linear layers. */
  readonly trunk: number;
  /** Logits of scored tokens. */
  readonly head: number;
  /** Scores and mixtures of the keys that each query may see. */
  readonly attention: number;
  /** Products of LoRA's factors. */
  readonly adapters: number;
}

type Counted = Pick<Policy, "config" | "trained">;

/** Positions that count in one place of the decoder. */
interface Positions {
  /** Tokens of the rows, each prompt once. */
  readonly tokens: number;
  /** Tokens that are scored. */
  readonly scored: number;
}

/**
 * Counts 2 · m · k · n of the products that a forward and a backward pass over
 * rows need, whatever computes them. A prompt counts once for all its
 * completions. The last layer is needed where a scored token is predicted, except
 * for its keys and values; the first one's inputs get no gradient, where the
 * embedding is frozen. Windows of attention count as if they were whole.
 */
export function neededFlops(
  policy: Counted,
  rows: readonly TokenRow[],
): NeededFlops {
  const positions = {
    tokens: sumOf(rows, rowTokens),
    scored: sumOf(rows, (row) => sumOf(lossLengths(row), (n) => n)),
  };
  return {
    ...linearFlops(policy, positions),
    head: headFlops(policy, positions),
    attention: attentionFlops(policy, rows),
  };
}

/** The sum of the parts. */
export function totalNeeded(flops: NeededFlops): number {
  return Object.values(flops).reduce((a: number, b: number) => a + b, 0);
}

function linearFlops(
  { config, trained }: Counted,
  positions: Positions,
): Pick<NeededFlops, "trunk" | "adapters"> {
  const { names } = architectureOf(config);
  const shapes = new Map(trained.map(({ name, shape }) => [name, shape]));
  const embedding = shapes.has(`${names.embedding}.weight`);
  const flops = { trunk: 0, adapters: 0 };
  for (const linear of linearParameters(config)) {
    const { isFirst, isLast, module } = placeOf(linear, config);
    const readsStates = [names.query, ...keysOf(names)].includes(module);
    const everywhere = !isLast || keysOf(names).includes(module);
    const at = everywhere ? positions.tokens : positions.scored;
    const back = isFirst && readsStates && !embedding ? 0 : 1;
    const [outputs, inputs] = linear.shape;
    const whole = shapes.has(linear.name) ? 1 : 0;
    flops.trunk += 2 * at * outputs! * inputs! * (1 + back + whole);
    const rank = shapes.get(`${linear.name}.lora_A`)?.[0] ?? 0;
    // x Aᵀ and its Bᵀ; then the gradients of B, of x Aᵀ, of A and of x.
    flops.adapters += 2 * at * rank *
      (3 * outputs! + (2 + back) * inputs!);
  }
  return flops;
}

/** Modules that make keys and values, which every later query reads. */
function keysOf(
  names: ReturnType<typeof architectureOf>["names"],
): readonly string[] {
  return [names.key, names.value, names.queryKeyValue];
}

function placeOf({ name }: Parameter, config: Counted["config"]) {
  const { names, layers } = architectureOf(config);
  const [index, ...rest] = name.slice(names.layers.length + 1).split(".");
  return {
    isFirst: index === "0",
    isLast: Number(index) === layers - 1,
    module: rest.slice(0, -1).join("."),
  };
}

function headFlops(
  { config, trained }: Counted,
  { scored }: Positions,
): number {
  const { names, tiedHead, vocabSize, hiddenSize } = architectureOf(config);
  const name = `${tiedHead ? names.embedding : names.head}.weight`;
  const whole = trained.some((parameter) => parameter.name === name) ? 1 : 0;
  return 2 * scored * vocabSize * hiddenSize * (2 + whole);
}

/** Two products forward; backward the gradients of both factors of each. */
const PRODUCTS_OF_A_PAIR = 6;

function attentionFlops(
  { config: { layers, heads, headDim } }: Counted,
  rows: readonly TokenRow[],
): number {
  const inner = sumOf(rows, (row) => visiblePairs(row));
  const last = sumOf(rows, (row) => predictingPairs(row));
  return 2 * PRODUCTS_OF_A_PAIR * heads * headDim *
    ((layers - 1) * inner + last);
}

/** Pairs of a query and a key that it sees: the prompt and its own completion. */
export function visiblePairs({ prompt, completions }: TokenRow): number {
  const ownPairs = (n: number) => n * (n + 1) / 2;
  return ownPairs(prompt.length) +
    sumOf(completions, ({ length: n }) => n * prompt.length + ownPairs(n));
}

/** The same of the queries alone that predict a scored token. */
function predictingPairs(
  { prompt, completions, lossMask }: TokenRow,
): number {
  return sumOf(completions, (ids, k) =>
    sumOf(
      ids,
      (_, i) => lossMask?.[k]?.[i] ?? true ? prompt.length + i : 0,
    ));
}

function sumOf<T>(
  list: readonly T[],
  of: (item: T, index: number) => number,
): number {
  return list.reduce((sum, item, i) => sum + of(item, i), 0);
}
