import { lossMaskKeys, type TokenRow } from "../data/example.ts";
import type { Policy } from "../models/policy.ts";
import type { Tensors } from "../onnx/tensors.ts";
import type { LogProbOptions, LogProbOrTokens } from "./forward_pass.ts";
import { tensorsOf, type Values } from "./trained_parameters.ts";

/** Log-probabilities of completions under the reference, looked up by content. */
export interface Reference {
  /** log π_ref(y|x) of each completion of a row, in nats. */
  logProbs(row: TokenRow): readonly number[];
  /** log π_ref of each scored token of each of them. */
  tokenLogProbs(row: TokenRow): readonly (readonly number[])[];
}

/** Computes log-probabilities of each completion of each row. */
export type ComputeLogProbs = (
  rows: readonly TokenRow[],
  options?: Pick<LogProbOptions, "onPart">,
) => Promise<readonly (readonly LogProbOrTokens[])[]>;

/**
 * Computes the present reference of rows, each distinct completion once, so
 * that training never needs a second model.
 */
export async function computeReference(
  rows: readonly TokenRow[],
  compute: ComputeLogProbs,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  return referenceOf(distinct, await compute(distinct));
}

/** The reference that gives each row's completions these log-probabilities. */
export function referenceOf(
  rows: readonly TokenRow[],
  logProbs: readonly (readonly LogProbOrTokens[])[],
): Reference {
  const known = new Map<string, LogProbOrTokens>();
  for (const [i, row] of rows.entries()) {
    completionKeys(row).forEach((key, k) => known.set(key, logProbs[i]![k]!));
  }
  const find = (key: string) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    throw new RangeError(
      "Cannot look up a completion's reference log-probability: it was not computed",
    );
  };
  return {
    logProbs: (row) => completionKeys(row).map((key) => total(find(key))),
    tokenLogProbs: (row) => completionKeys(row).map((key) => tokens(find(key))),
  };
}

function total(logProb: LogProbOrTokens): number {
  return typeof logProb === "number"
    ? logProb
    : logProb.reduce((a, b) => a + b, 0);
}

function tokens(logProb: LogProbOrTokens): readonly number[] {
  if (typeof logProb !== "number") return logProb;
  throw new RangeError(
    "Cannot look up tokens' reference log-probabilities: only their sum was computed",
  );
}

/**
 * A reference that follows the policy (TR-DPO,
 * https://arxiv.org/abs/2404.09656). It begins as the policy does.
 */
export class MovingReference {
  /** Its parameters; `null` while they are the policy's initial ones. */
  values: Values | null = null;

  /** @internal */
  constructor(
    private readonly policy: Policy,
    private readonly logProbsUnder: (
      parameters: Tensors,
    ) => ComputeLogProbs,
  ) {}

  /**
   * Moves to mix · θ + (1 − mix) · θ_ref, parameter by parameter: eq. 1 of the
   * paper, and for a mix of 1 eq. 2.
   */
  move(theta: Values, mix: number): void {
    const before = this.values ?? this.policy.initial;
    this.values = new Map(
      [...theta].map(([name, now]) => {
        const old = before.get(name)!;
        return [name, now.map((x, i) => mix * x + (1 - mix) * old[i]!)];
      }),
    );
  }

  /** Computes the present reference of these rows. */
  of(rows: readonly TokenRow[]): Promise<Reference> {
    const values = this.values ?? this.policy.initial;
    const parameters = tensorsOf(this.policy.trained, values);
    return computeReference(rows, this.logProbsUnder(parameters));
  }
}

/** Leaves out rows all of whose completions stand in earlier ones. */
export function distinctRows(rows: readonly TokenRow[]): TokenRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const keys = completionKeys(row);
    const isNew = keys.some((key) => !seen.has(key));
    keys.forEach((key) => seen.add(key));
    return isNew;
  });
}

function completionKeys(row: TokenRow): string[] {
  const marks = lossMaskKeys(row);
  return row.completions.map((completion, k) =>
    `${row.prompt}|${completion}|${marks[k]}`
  );
}
