import { deepStrictEqual, rejects } from "node:assert/strict";
import {
  type DataLocation,
  openRows,
  type RowOptions,
} from "lib/data/open_rows.ts";

export type Fields = Record<string, unknown>;

export const user = (content: string) => ({ role: "user", content });
export const assistant = (content: string) => ({ role: "assistant", content });
export const system = (content: string) => ({ role: "system", content });
export const tool = (content: string) => ({ role: "tool", content });
export const human = (value: string) => ({ from: "human", value });
export const gpt = (value: string) => ({ from: "gpt", value });

/** Reads all rows of a location. */
export async function readAll(location: DataLocation, options?: RowOptions) {
  const reader = await openRows(location, options);
  const rows = await Array.fromAsync(reader.rows());
  return { format: reader.format, kind: reader.kind, rows };
}

/** Reads rows in memory called `d.jsonl`. */
export function read(rows: readonly Fields[], options?: RowOptions) {
  return readAll({ name: "d.jsonl", rows }, options);
}

/** What a row is, its fields, what they are normalised to. */
export type Reading = [string, Fields, Fields];

/** One test for each: that the row is recognised, and what becomes of it. */
export function testReadings(
  format: { name: string; kind: string },
  readings: readonly Reading[],
): void {
  for (const [what, fields, expected] of readings) {
    Deno.test(`openRows() reads ${what} as ${format.name}`, async () => {
      deepStrictEqual(await read([fields]), {
        format: format.name,
        kind: format.kind,
        rows: [{ location: "d.jsonl, row 1", ...expected }],
      });
    });
  }
}

/** What is wrong, the rows, the message after "Cannot read d.jsonl, ". */
export type Refusal = [string, Fields[], string];

/** One test for each. */
export function testRefusals(
  refusals: readonly Refusal[],
  options?: RowOptions,
): void {
  for (const [what, rows, message] of refusals) {
    Deno.test(`openRows() refuses ${what}`, () =>
      rejects(read(rows, options), {
        message: `Cannot read d.jsonl, ${message}`,
      }));
  }
}
