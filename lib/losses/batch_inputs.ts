import type { DType, Graph, Shape, Value } from "../onnx/graph.ts";
import { gather, segmentSum } from "../ops/indexing.ts";
import { add, mul } from "../ops/elementwise.ts";
import type {
  Combination,
  Loss,
  LossTerms,
  PlainLoss,
  RankBatch,
  Sequences,
  Tokens,
  Totals,
} from "./loss.ts";
import type { LossOptionTerms, LossOptionValues } from "./options.ts";

/** Names under which parts of the graph are fed; parameters have their own. */
export const optionInput = (name: string) => `option.${name}`;
export const statisticInput = (name: string) => `statistic.${name}`;

/** The policy's log-probabilities, from which everything else follows. */
export interface Scores {
  /** log π_θ of each sequence, `[Q]`, the last one padding. */
  readonly logProbs: Value;
  /** log π_θ of each scored token, `[S]`. */
  tokens(): Value;
  /** log Σ_v π_θ(v)² where each of them stands, `[S]`, without a gradient. */
  collisions(): Value;
  /** The sequence of each scored token, int32 `[S]`. */
  sequences(): Value;
  /** A zero for each sequence, `[Q]`. */
  zeros(): Value;
}

/** The loss of each example of a micro-batch. */
export function lossTerms(
  loss: Loss,
  settings: LossOptionValues,
  scores: Scores,
): LossTerms {
  return "parts" in loss
    ? combinedTerms(loss, settings, scores)
    : plainTerms(loss, settings, scores);
}

/** Σ weight · loss, with each loss and its own parts as metrics. */
function combinedTerms(
  { parts, data }: Combination,
  settings: LossOptionValues,
  scores: Scores,
): LossTerms {
  const metrics: Record<string, Value> = {};
  const weighted = parts.map(({ loss, weight }) => {
    const terms = plainTerms(loss, settings, scores);
    const isPartial = data === "labels" && loss.data === "completions";
    const each = isPartial
      ? mul(new BatchInputs(loss, scores).desirable, terms.loss)
      : terms.loss;
    Object.assign(metrics, terms.metrics, { [`loss/${loss.id}`]: each });
    return mul(weight, each);
  });
  return { loss: weighted.reduce(add), metrics };
}

function plainTerms(
  loss: PlainLoss,
  settings: LossOptionValues,
  scores: Scores,
): LossTerms {
  const inputs = new BatchInputs(loss, scores);
  const options = inputs.options(settings);
  const batch = {
    prompt: inputs.sequences("prompts"),
    tokens: inputs.tokens,
    totals: inputs.totals,
    statistics: inputs.statistics,
  };
  const first = inputs.sequences("first");
  if (loss.data === "pairs") {
    const rejected = inputs.sequences("second");
    return loss.terms({ ...batch, chosen: first, rejected }, options);
  }
  if (loss.data === "labels") {
    const { desirable } = inputs;
    return loss.terms({ ...batch, completion: first, desirable }, options);
  }
  if (loss.data === "ranks") {
    return loss.terms({ ...batch, ...inputs.ranks }, options);
  }
  return loss.terms({ ...batch, completion: first }, options);
}

/**
 * What the loss of a micro-batch reads. An input of the graph is declared when
 * it is first read, so that nothing else has to be fed.
 */
class BatchInputs {
  readonly #loss: PlainLoss;
  readonly #scores: Scores;
  readonly #graph: Graph;

  constructor(loss: PlainLoss, scores: Scores) {
    this.#loss = loss;
    this.#scores = scores;
    this.#graph = scores.logProbs.graph;
  }

  get desirable(): Value {
    return this.#input("desirable", ["n"]);
  }

  get ranks(): Pick<RankBatch, "ranked" | "live" | "rank"> {
    return {
      ranked: this.sequences("ranked", ["n", "K"]),
      live: this.#input("rankLive", ["n", "K"]),
      rank: this.#input("rank", ["K"]),
    };
  }

  get totals(): Totals {
    const input = (name: string) => this.#input(name, []);
    return {
      get examples() {
        return input("examples");
      },
      get completionTokens() {
        return input("completionTokens");
      },
      get promptTokens() {
        return input("promptTokens");
      },
    };
  }

  get tokens(): Tokens {
    const scores = this.#scores;
    const input = (name: string) => this.#input(name, ["S"]);
    const examples = () => this.#input("tokenExample", ["S"], "int32");
    return {
      get logProb() {
        return scores.tokens();
      },
      get refLogProb() {
        return input("tokenReference");
      },
      get position() {
        return input("tokenPosition");
      },
      get collision() {
        return scores.collisions();
      },
      spread: (perExample) => gather(perExample, examples()),
    };
  }

  get statistics(): Record<string, Value> {
    const gives = this.#loss.statistics?.gives ?? {};
    return Object.fromEntries(
      Object.entries(gives).map(([name, what]) => [
        name,
        this.#input(statisticInput(name), what === "list" ? ["n"] : []),
      ]),
    );
  }

  options(settings: LossOptionValues): LossOptionTerms {
    return Object.fromEntries(
      Object.keys(this.#loss.options).map((name) => {
        const setting = settings[name]!;
        const isNumber = typeof setting === "number";
        return [
          name,
          isNumber ? this.#input(optionInput(name), []) : setting,
        ];
      }),
    );
  }

  /** The sequences whose numbers are fed under a name. */
  sequences(name: string, shape: readonly string[] = ["n"]): Sequences {
    const scores = this.#scores;
    const numbers = () => this.#input(name, shape, "int32");
    const perSequence = (input: string) =>
      gather(this.#input(input, ["Q"]), numbers());
    return {
      get logProb() {
        return gather(scores.logProbs, numbers());
      },
      get refLogProb() {
        return perSequence("reference");
      },
      get length() {
        return perSequence("lengths");
      },
      sum: (perToken) => {
        const sums = segmentSum(perToken, scores.sequences(), scores.zeros());
        return gather(sums, numbers());
      },
    };
  }

  #input(name: string, shape: readonly string[], dtype?: "int32"): Value {
    return inputOf(this.#graph, name, { shape, dtype });
  }
}

/** An input of a graph, declared when it is first asked for. */
export function inputOf(
  graph: Graph,
  name: string,
  { shape, dtype }: { shape: Shape; dtype?: DType | undefined },
): Value {
  return graph.inputs.find((input) => input.name === name) ??
    graph.input(name, shape, dtype);
}
