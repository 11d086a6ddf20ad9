import { type CaseBlock, parseCases } from "lib/loss_tools/case_file.ts";

/** Two pairs. */
export const INPUTS = {
  chosen: [-3, -12],
  rejected: [-2, -9],
  refChosen: [-2.5, -12],
  refRejected: [-3, -8.5],
  chosenLength: [3, 7],
  rejectedLength: [2, 8],
};

/** A file of one block with these cases, `cases.json`, as read. */
export function caseBlock(
  cases: readonly Record<string, unknown>[],
  rest: Record<string, unknown> = {},
): CaseBlock {
  const block = { beta: 0.5, inputs: INPUTS, cases, ...rest };
  return parseCases({ blocks: [block] }, "cases.json")[0]!;
}
