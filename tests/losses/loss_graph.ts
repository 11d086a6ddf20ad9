import type { Loss } from "lib/losses/loss.ts";
import {
  type GivenExample,
  type LossGraphOptions,
  runLoss as run,
} from "lib/loss_tools/evaluate.ts";

type List = readonly number[];

/**
 * What a loss reads of n examples, by columns; single completions are the
 * chosen ones. A number stands for a list of it.
 */
export interface Batch {
  readonly chosen: List;
  /** @default as `chosen` */
  readonly rejected?: List | number;
  /** @default 0 */
  readonly refChosen?: List | number;
  /** @default 0 */
  readonly refRejected?: List | number;
  /** @default 1 */
  readonly chosenLength?: List | number;
  /** @default 1 */
  readonly rejectedLength?: List | number;
  /** @default 0 */
  readonly prompt?: List | number;
  /** @default 0 */
  readonly promptLength?: List | number;
  /** @default 1 */
  readonly desirable?: List | number;
}

/** The columns as examples of the loss's kind: pairs are ranked lists, too. */
export function examplesOf(
  { data }: Pick<Loss, "data">,
  { chosen, rejected = chosen, ...batch }: Batch,
): GivenExample[] {
  const at = (list: List | number | undefined, i: number, fallback: number) =>
    typeof list === "object" ? list[i]! : list ?? fallback;
  return chosen.map((logProb, i) => {
    const first = {
      logProb,
      refLogProb: at(batch.refChosen, i, 0),
      length: at(batch.chosenLength, i, 1),
    };
    const second = {
      logProb: at(rejected, i, 0),
      refLogProb: at(batch.refRejected, i, 0),
      length: at(batch.rejectedLength, i, 1),
    };
    const isPair = data === "pairs" || data === "ranks";
    return {
      completions: isPair ? [first, second] : [first],
      prompt: {
        logProb: at(batch.prompt, i, 0),
        length: at(batch.promptLength, i, 0),
      },
      label: at(batch.desirable, i, 1) === 1,
    };
  });
}

export interface LossRun {
  /** The loss of each example. */
  readonly loss: List;
  /** Its parts of each example. */
  readonly metrics: Readonly<Record<string, List>>;
  /** Of the sum of the losses, by log-probabilities: `chosen`, `rejected`, … */
  readonly gradients: Readonly<Record<"chosen" | "rejected" | "prompt", List>>;
}

/** Values and gradients of a loss on one batch. */
export async function runLoss(
  loss: Loss,
  batch: Batch,
  options: LossGraphOptions = {},
): Promise<LossRun> {
  const { losses, metrics, gradients, promptGradients } = await run(
    loss,
    examplesOf(loss, batch),
    options,
  );
  return {
    loss: losses,
    metrics,
    gradients: {
      chosen: gradients.map(([first]) => first!),
      rejected: gradients.map((list) => list.at(-1)!),
      prompt: promptGradients,
    },
  };
}
