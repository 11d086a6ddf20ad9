import { ok } from "node:assert/strict";
import type { Loss, Peer } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { assertClose } from "../assert_close.ts";
import { type Batch, runLoss } from "./loss_graph.ts";

/** One pair in the notation of peers' sources; log-probabilities are sums. */
export interface PeerPair {
  /** log π_θ of chosen and rejected. */
  readonly lc: number;
  readonly lr: number;
  /** log π_ref of chosen and rejected. */
  readonly rc: number;
  readonly rr: number;
  /** Δc = lc − rc, Δr = lr − rr. */
  readonly dc: number;
  readonly dr: number;
  /** Tokens of chosen and rejected. */
  readonly nc: number;
  readonly nr: number;
  /** Mean log π_θ of a token of chosen and of rejected. */
  readonly ac: number;
  readonly ar: number;
  /** NLL of all chosen completions: mean over their tokens. */
  readonly tokenNll: number;
  /** The same, of prompts and completions together. */
  readonly tokenNllWithPrompt: number;
}

const BATCH = {
  chosen: [-3.1, -0.7, -12, -5],
  rejected: [-2, -4.4, -9, -5],
  refChosen: [-2.5, -1.3, -12, -6],
  refRejected: [-3, -4, -8.5, -4],
  chosenLength: [3, 1, 7, 4],
  rejectedLength: [2, 5, 8, 1],
  prompt: [-4, -1.5, -2, -7],
  promptLength: [2, 1, 1, 6],
} satisfies Batch;

/**
 * Declares a test that a loss under a preset has a peer's mean over the batch,
 * written out in numbers by `formula` for each pair.
 */
export function testPreset(
  loss: Loss,
  peer: Peer,
  formula: (pair: PeerPair) => number,
): void {
  Deno.test(`${loss.id} under the preset ${peer} is that peer's formula`, async () => {
    const preset = loss.presets?.[peer];
    ok(preset, `${loss.id} has no preset ${peer}`);
    const { loss: found } = await runLoss(loss, BATCH, {
      lossOptions: resolveOptions(loss, preset.options),
      float: "float64",
    });
    assertClose([mean(found)], [mean(pairs().map(formula))], {
      // β and the like are float32 numbers.
      tolerance: 1e-6,
    });
  });
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** log σ(x) */
export const logSigmoid = (x: number): number => -Math.log1p(Math.exp(-x));

function pairs(): PeerPair[] {
  const { chosen, rejected, refChosen, refRejected } = BATCH;
  const { chosenLength, rejectedLength, prompt, promptLength } = BATCH;
  return chosen.map((lc, i) => {
    const [lr, rc, rr] = [rejected[i]!, refChosen[i]!, refRejected[i]!];
    const [nc, nr] = [chosenLength[i]!, rejectedLength[i]!];
    return {
      ...{ lc, lr, rc, rr, nc, nr },
      dc: lc - rc,
      dr: lr - rr,
      ac: lc / nc,
      ar: lr / nr,
      tokenNll: -total(chosen) / total(chosenLength),
      tokenNllWithPrompt: -(total(chosen) + total(prompt)) /
        (total(chosenLength) + total(promptLength)),
    };
  });
}

const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const mean = (list: readonly number[]) => total(list) / list.length;
