import { stringifyWithFloats } from "../floats.ts";
import { writeAtomically } from "../../files/atomic.ts";
import type { Fields } from "./layout.ts";

/** Texts around the rows of a file, by the ending of its name. */
const CONTAINERS = {
  ".jsonl": { start: "", between: "\n", end: "\n" },
  ".json": { start: "[\n", between: ",\n", end: "\n]\n" },
};

/** Characters that are written at once. */
const BLOCK = 1 << 20;

/**
 * Writes rows as JSON lines or as one JSON array, row by row.
 *
 * @returns the number of rows.
 * @throws Error for another ending of the file's name, or for no rows.
 */
export async function writeRows(
  path: string,
  rows: AsyncIterable<Fields> | Iterable<Fields>,
): Promise<number> {
  const { start, between, end } = containerOf(path);
  let count = 0;
  await writeAtomically(path, async (temporary) => {
    using file = await Deno.create(temporary);
    const writer = file.writable.getWriter();
    const encoder = new TextEncoder();
    let block = start;
    for await (const row of rows) {
      block += (count++ === 0 ? "" : between) + stringifyWithFloats(row);
      if (block.length < BLOCK) continue;
      await writer.write(encoder.encode(block));
      block = "";
    }
    if (count === 0) throw new Error("no rows are left");
    await writer.write(encoder.encode(block + end));
    await writer.close();
  });
  return count;
}

/** @throws Error for a file's name that {@linkcode writeRows} refuses. */
export function containerOf(path: string) {
  const container = Object.entries(CONTAINERS)
    .find(([ending]) => path.endsWith(ending))?.[1];
  if (container) return container;
  throw new Error(`Cannot write ${path}: expected a name in .jsonl or .json`);
}
