import { deepStrictEqual, throws } from "node:assert/strict";
import { type ParseOptions, parseRows } from "lib/data/formats/registry.ts";

export type Fields = Record<string, unknown>;

export const user = (content: string) => ({ role: "user", content });
export const assistant = (content: string) => ({ role: "assistant", content });
export const system = (content: string) => ({ role: "system", content });
export const tool = (content: string) => ({ role: "tool", content });
export const human = (value: string) => ({ from: "human", value });
export const gpt = (value: string) => ({ from: "gpt", value });

/** Rows of a file `d.jsonl`. */
export function rowsOf(rows: readonly Fields[]) {
  return rows.map((fields, i) => ({ where: `d.jsonl, line ${i + 1}`, fields }));
}

/** Parses rows of a file `d.jsonl`. */
export function parse(rows: readonly Fields[], options?: ParseOptions) {
  return parseRows(rowsOf(rows), options);
}

/** What a row is, its fields, what they are normalised to. */
export type Reading = [string, Fields, Fields];

/** One test for each: that the row is recognised, and what becomes of it. */
export function testReadings(
  format: { name: string; kind: string },
  readings: readonly Reading[],
): void {
  for (const [what, fields, expected] of readings) {
    Deno.test(`parseRows() reads ${what} as ${format.name}`, () => {
      deepStrictEqual(parse([fields]), {
        format: format.name,
        kind: format.kind,
        rows: [{ where: "d.jsonl, line 1", ...expected }],
      });
    });
  }
}

/** What is wrong, the rows, the message after "Cannot read d.jsonl, ". */
export type Refusal = [string, Fields[], string];

/** One test for each. */
export function testRefusals(
  refusals: readonly Refusal[],
  options?: ParseOptions,
): void {
  for (const [what, rows, message] of refusals) {
    Deno.test(`parseRows() refuses ${what}`, () => {
      throws(() => parse(rows, options), {
        message: `Cannot read d.jsonl, ${message}`,
      });
    });
  }
}
