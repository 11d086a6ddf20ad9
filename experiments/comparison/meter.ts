import { lossLengths, type TokenRow } from "lib/data/example.ts";
import { completionText } from "lib/data/tokenize/completion_text.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import {
  createGenerator,
  type Generator,
} from "lib/models/generate/generate.ts";
import type { Policy } from "lib/models/policy.ts";
import type { CompileOptions } from "lib/onnx/session.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import type { Rng } from "lib/rng.ts";
import { distinctN } from "lib/stats/describe.ts";
import { standardError } from "lib/stats/interval.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { mean, rounding } from "lib/train/metrics.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import { choiceMeasures, type Choices, type Chosen } from "./choices.ts";
import type { Judge, Scores } from "./judge.ts";
import type { Preferences } from "./preferences.ts";
import { controlRows, type Probes, probesOf } from "./probes.ts";
import type { ComparisonSettings } from "./settings.ts";

/** log π of the completions of each row, in nats. */
export type LogProbs = readonly (readonly number[])[];

/** log π under one policy of all that no run trains on. */
export interface HeldOutLogProbs extends Record<keyof Probes, LogProbs> {
  /** Of chosen and rejected of each held-out pair. */
  readonly pairs: LogProbs;
  /** Of the control text's pieces; none without one. */
  readonly control: LogProbs;
  /** Of the choices of each question; none without any. */
  readonly choices: LogProbs;
}

/** What a policy does to held-out pairs, in comparison with the reference. */
export interface Held {
  readonly measures: Omit<MetricsRow, "step">;
  /** log-ratio of chosen over rejected of each pair, log π/π_ref, in nats. */
  readonly margins: readonly number[];
  /** Whether each pair is told apart rightly; ½ where rounding decides. */
  readonly correct: readonly number[];
}

/** The same, and what it chooses where there are questions. */
export interface HeldAndChosen extends Held {
  readonly chosen: Chosen | null;
}

/** A policy's answers to prompts that no run trains on. */
export interface Answers {
  readonly measures: Omit<MetricsRow, "step">;
  readonly texts: readonly string[];
  /** By the judge; `null` without one. */
  readonly scored: Scores | null;
}

export interface MeterOptions
  extends CompileOptions, Pick<Preferences, "heldOut" | "prompts"> {
  readonly settings: ComparisonSettings;
  /** The policy before training, which is the reference. */
  readonly policy: Policy;
  readonly tokenizer: Tokenizer | null;
  /** Text whose perplexity is measured; `null` without one. */
  readonly controlText: string | null;
  /** Questions with answers to choose from; `null` without any. */
  readonly choices: Choices | null;
  /** Scores answers; `null` where nobody does. */
  readonly judge: Judge | null;
}

/** All that no run trains on and log π of which is measured. */
type MeasuredRows = Readonly<
  Record<keyof HeldOutLogProbs, readonly TokenRow[]>
>;

function measuredRows(
  { heldOut, settings, tokenizer, controlText, choices }: MeterOptions,
): MeasuredRows {
  return {
    pairs: heldOut,
    ...probesOf(heldOut, settings.evaluation.probes),
    control: controlText === null ? [] : controlRows(controlText, tokenizer),
    choices: choices?.rows ?? [],
  };
}

function compilingOf({ device, threads }: MeterOptions): CompileOptions {
  return { ...device && { device }, ...threads && { threads } };
}

/** Measures policies of one shape; its graphs are compiled once. */
export class Meter {
  readonly #forward: ForwardPass;
  /** The reference's parameters. */
  readonly initial: Tensors;
  readonly #prompts: readonly TokenRow["prompt"][];
  /** Each of them as its row has it. */
  readonly #asked: Preferences["prompts"];
  #reference: Promise<HeldOutLogProbs> | undefined;

  private constructor(
    private readonly options: MeterOptions,
    private readonly rows: MeasuredRows,
    private readonly generator: Generator,
  ) {
    const { policy, heldOut, settings } = options;
    const { microTokens } = settings.train;
    this.#forward = new ForwardPass({
      ...{ policy, microTokens, ...compilingOf(options) },
    });
    this.initial = tensorsOf(policy.trained, policy.initial);
    const distinct = new Map(
      heldOut.map(({ prompt }, i) => [prompt.join(), i]),
    );
    const asked = [...distinct.values()].slice(0, settings.evaluation.prompts);
    this.#prompts = asked.map((i) => heldOut[i]!.prompt);
    this.#asked = asked.map((i) => options.prompts[i]!);
  }

  /**
   * Compiles what draws answers; the rest when it is first used.
   *
   * @throws Error for a control text without a tokenizer.
   */
  static async open(options: MeterOptions): Promise<Meter> {
    const rows = measuredRows(options);
    const generator = await createGenerator(
      options.policy,
      compilingOf(options),
    );
    return new Meter(options, rows, generator);
  }

  /** Number of the prompt of each held-out pair, in the order of the prompts. */
  get promptOfPair(): readonly number[] {
    const numbers = new Map<string, number>();
    return this.options.heldOut.map(({ prompt }) => {
      const key = prompt.join();
      const number = numbers.get(key) ?? numbers.size;
      numbers.set(key, number);
      return number;
    });
  }

  /** The prompts that are answered, as text; token ids without a tokenizer. */
  get promptTexts(): readonly string[] {
    const { tokenizer } = this.options;
    return this.#prompts.map((ids) =>
      tokenizer ? completionText(ids, { tokenizer }) : ids.join(" ")
    );
  }

  /** What the policy does to rows that no run trains on, after a step. */
  async held(parameters: Tensors, step: number): Promise<HeldAndChosen> {
    this.#reference ??= this.#logProbs(this.initial);
    const before = await this.#reference;
    const logProbs = parameters === this.initial
      ? before
      : await this.#logProbs(parameters);
    const held = heldMeasures(this.rows, { logProbs, before, step });
    const { choices } = this.options;
    const chosen = choices && choiceMeasures(choices, logProbs.choices);
    const measures = { ...held.measures, ...chosen?.measures };
    return { ...held, measures, chosen };
  }

  async #logProbs(parameters: Tensors): Promise<HeldOutLogProbs> {
    const of = (rows: readonly TokenRow[]) =>
      this.#forward.logProbs(rows, { parameters });
    const { pairs, unrelated, repeated, control, choices } = this.rows;
    return {
      pairs: await of(pairs),
      unrelated: await of(unrelated),
      repeated: await of(repeated),
      control: await of(control),
      choices: await of(choices),
    };
  }

  /**
   * Draws an answer to each prompt, at temperature 1. Its KL(π‖π_ref) is the
   * mean of log π − log π_ref, in nats an answer.
   */
  async answers(parameters: Tensors, rng: Rng): Promise<Answers> {
    const { maxNewTokens } = this.options.settings.evaluation;
    const drawn = await this.generator.generate(this.#prompts, {
      ...{ parameters, maxNewTokens, stream: (label) => rng.split(label) },
    });
    const completions = drawn.map(([first]) => first!);
    const rows = completions.map(({ ids }, i) => ({
      prompt: this.#prompts[i]!,
      completions: [ids],
    }));
    const before = await this.#forward.logProbs(rows, {
      parameters: this.initial,
    });
    const ratios = completions.map(({ logProbs }, i) =>
      logProbs.reduce((a, b) => a + b, 0) - before[i]![0]!
    );
    const lengths = completions.map(({ ids }) => ids.length);
    const texts = completions.map(({ ids }, i) => this.#text(ids, i));
    const scored = await this.#score(texts);
    return {
      measures: {
        kl: mean(ratios),
        klError: standardError(ratios),
        length: mean(lengths),
        distinct2: distinctN(completions.map(({ ids }) => ids), 2),
        ...scored && {
          score: mean(scored.scores),
          scoreError: standardError(scored.scores),
        },
      },
      ...{ texts, scored },
    };
  }

  /** Measures of answers before there are any. */
  get unanswered(): Readonly<Record<string, null>> {
    return {
      ...{ kl: null, klError: null, length: null, distinct2: null },
      ...this.options.judge && { score: null, scoreError: null },
    };
  }

  async #score(answers: readonly string[]): Promise<Scores | null> {
    const { judge } = this.options;
    if (!judge) return null;
    return await judge.score(
      answers.map((answer, i) => ({ prompt: this.#asked[i]!, answer })),
    );
  }

  async release(): Promise<void> {
    await this.#forward.release();
    await this.generator.release();
    await this.options.judge?.release();
  }

  #text(ids: readonly number[], prompt: number): string {
    const { tokenizer } = this.options;
    if (!tokenizer) return ids.join(" ");
    return completionText(ids, { tokenizer, after: this.#prompts[prompt]! });
  }
}

/**
 * Measures that all methods share, as means over pairs: accuracy under the
 * implicit reward, log π/π_ref, and under log π alone; log π/π_ref of chosen
 * and rejected, and their difference, in nats; log π/π_ref of the probes, in
 * nats an answer; the perplexity of the control text.
 *
 * A pair whose two sides differ by less than rounding counts as half right.
 *
 * @throws RangeError where a log-probability is not finite.
 */
export function heldMeasures(
  rows: MeasuredRows,
  { logProbs, before, step }:
    & Record<"logProbs" | "before", HeldOutLogProbs>
    & { readonly step: number },
): Held {
  const { pairs, choices } = logProbs;
  requireFinite(pairs, step);
  requireFinite(choices, step);
  const tie = rows.pairs.map((row) =>
    lossLengths(row).reduce((sum, tokens) => sum + rounding(tokens), 0)
  );
  const changed = (name: keyof HeldOutLogProbs, k: number) =>
    logProbs[name].map((own, i) => own[k]! - before[name][i]![k]!);
  const [chosen, rejected] = [changed("pairs", 0), changed("pairs", 1)];
  const margins = chosen.map((x, i) => x - rejected[i]!);
  const right = (gaps: readonly number[]) =>
    gaps.map((gap, i) => Math.abs(gap) <= tie[i]! ? 0.5 : Number(gap > 0));
  const correct = right(margins);
  const meanOrNull = (values: readonly number[]) =>
    values.length === 0 ? null : mean(values);
  return {
    ...{ margins, correct },
    measures: {
      accuracy: mean(correct),
      logProbAccuracy: mean(right(pairs.map(([w, l]) => w! - l!))),
      chosen: mean(chosen),
      rejected: mean(rejected),
      margin: mean(margins),
      unrelated: meanOrNull(changed("unrelated", 0)),
      repeated: meanOrNull(changed("repeated", 0)),
      perplexity: perplexity(rows.control, logProbs.control),
    },
  };
}

/** exp of the mean of −log π of a token; `null` without rows. */
function perplexity(rows: readonly TokenRow[], logProbs: LogProbs) {
  if (rows.length === 0) return null;
  const tokens = rows.flatMap(lossLengths).reduce((a, b) => a + b, 0);
  return Math.exp(-logProbs.flat().reduce((a, b) => a + b, 0) / tokens);
}

/** How the errors of runs begin whose numbers overflow. */
export const DIVERGED = "Training diverged";

/** @throws RangeError as a trainer does where a step is not finite. */
function requireFinite(logProbs: LogProbs, step: number): void {
  const found = logProbs.flat().find((x) => !Number.isFinite(x));
  if (found === undefined) return;
  throw new RangeError(
    `${DIVERGED} by step ${step}: a held-out answer has the log-probability ${found}; expected finite numbers, perhaps with a smaller learning rate`,
  );
}
