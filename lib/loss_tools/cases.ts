import type { CaseBlock, CaseInputs, LossCase } from "./case_file.ts";
import { caseLoss, type SetLoss } from "./case_loss.ts";
import {
  type GivenCompletion,
  type GivenExample,
  logProbPairs,
  type LossRun,
  runLoss,
} from "./evaluate.ts";
import { lossRequirements } from "../train/requirements.ts";

type List = readonly number[];

/** A case with the loss that it means and what that comes to. */
export interface EvaluatedCase extends SetLoss {
  readonly name: string;
  /** Losses and gradients by the names they have in files of cases. */
  readonly vectors: Readonly<Record<string, List>>;
}

/**
 * Evaluates every case of a block in float32. Gradients are of the sum of the
 * losses, by summed log-probabilities, or by averaged ones where those are
 * what the case gives.
 *
 * @throws Error that names the case, where it means no loss, lacks an input,
 * or comes to no finite number.
 */
export async function evaluateBlock(
  { beta, inputs, cases }: CaseBlock,
): Promise<EvaluatedCase[]> {
  // Settled first: a case that cannot be evaluated should cost no time.
  const settled = cases.map((each) => ({ each, set: caseLoss(each, beta) }));
  for (const { each, set } of settled) expectInputs(each, set);
  const evaluated: EvaluatedCase[] = [];
  for (const { each, set } of settled) {
    const vectors = await evaluateCase(each, inputs, set);
    expectFinite(each, vectors);
    evaluated.push({ name: each.name, ...set, vectors });
  }
  return evaluated;
}

/** A block in the layout in which it was read. */
export function blockJson(
  { cases, rest }: CaseBlock,
  evaluated: readonly EvaluatedCase[],
): Record<string, unknown> {
  return {
    ...rest,
    cases: evaluated.map(({ loss, options, vectors }, i) => ({
      ...cases[i]!.rest,
      loss: loss.id,
      settings: options,
      ...vectors,
    })),
  };
}

function expectInputs(
  { location, klLogRatios, averages }: LossCase,
  { loss, options }: SetLoss,
): void {
  const lacks = (what: string) =>
    new RangeError(
      `Cannot evaluate ${location}: loss "${loss.id}" needs ${what}`,
    );
  if (loss.statistics?.rows && !klLogRatios) {
    throw lacks("options.klLogRatios, those of mismatched completions");
  }
  if (averages && lossRequirements(loss, options).reference) {
    throw lacks("a reference, expected no averageChosen and averageRejected");
  }
}

function expectFinite(
  { location }: LossCase,
  vectors: EvaluatedCase["vectors"],
): void {
  for (const [name, numbers] of Object.entries(vectors)) {
    const at = numbers.findIndex((x) => !Number.isFinite(x));
    if (at < 0) continue;
    throw new RangeError(
      `Cannot evaluate ${location}: ${name}[${at}] is ${
        numbers[at]
      }, expected a finite number`,
    );
  }
}

async function evaluateCase(
  { klLogRatios, averages }: LossCase,
  inputs: CaseInputs,
  { loss, options }: SetLoss,
): Promise<EvaluatedCase["vectors"]> {
  const chosen = averages
    ? averages.chosen.map((logProb) => ({ logProb }))
    : completions(inputs.chosen, inputs.refChosen, inputs.chosenLength);
  const rejected = averages
    ? averages.rejected.map((logProb) => ({ logProb }))
    : completions(inputs.rejected, inputs.refRejected, inputs.rejectedLength);
  const examples = examplesOf({ loss, options }, chosen, rejected);
  const run = await runLoss(loss, examples, {
    lossOptions: options,
    ...loss.statistics?.rows && klLogRatios && { mismatched: klLogRatios },
  });
  if (loss.data === "labels") return labelVectors(run);
  const by = averages ? "gradAverage" : "grad";
  const losses = byRank(run.losses, ranksOf({ loss, options }, examples));
  const firsts = { losses, [`${by}Chosen`]: run.gradients.map(([w]) => w!) };
  if (loss.data === "completions") return firsts;
  return { ...firsts, [`${by}Rejected`]: run.gradients.map(([, l]) => l!) };
}

function completions(
  logProbs: List,
  references: List,
  lengths: List,
): GivenCompletion[] {
  return logProbs.map((logProb, i) => ({
    logProb,
    refLogProb: references[i]!,
    length: lengths[i]!,
  }));
}

/** Pairs, or desirable completions and then undesirable ones. */
function examplesOf(
  { loss: { data } }: SetLoss,
  chosen: readonly GivenCompletion[],
  rejected: readonly GivenCompletion[],
): GivenExample[] {
  if (data === "completions") return chosen.map((w) => ({ completions: [w] }));
  if (data !== "labels") {
    return chosen.map((w, i) => ({ completions: [w, rejected[i]!] }));
  }
  return [
    ...chosen.map((each) => ({ completions: [each], label: true })),
    ...rejected.map((each) => ({ completions: [each], label: false })),
  ];
}

function labelVectors(
  { losses, gradients }: LossRun,
): EvaluatedCase["vectors"] {
  const half = losses.length / 2;
  const slopes = gradients.map(([slope]) => slope!);
  return {
    lossesDesirable: losses.slice(0, half),
    lossesUndesirable: losses.slice(half),
    gradDesirable: slopes.slice(0, half),
    gradUndesirable: slopes.slice(half),
  };
}

/** Each example's rank, where the loss goes by rank and not by example. */
function ranksOf(
  { loss: { statistics }, options }: SetLoss,
  examples: readonly GivenExample[],
): List | undefined {
  return statistics?.reduce(
    examples.map(logProbPairs),
    options,
    statistics.initialState ?? {},
  ).ranks;
}

function byRank(losses: List, ranks: List = [...losses.keys()]): List {
  const sorted = new Array<number>(losses.length);
  for (const [i, rank] of ranks.entries()) sorted[rank] = losses[i]!;
  return sorted;
}
