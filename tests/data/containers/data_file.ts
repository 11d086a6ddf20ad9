import { rejects } from "node:assert/strict";
import { type ReadOptions, readRows } from "lib/data/containers/read_rows.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

/** A file with these bytes, gone at the end of the scope. */
export function dataFile(
  content: string | Uint8Array,
  name = "file.data",
): Disposable & { path: string } {
  const folder = temporaryFolder();
  const path = `${folder.path}/${name}`;
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
  return { path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** What cannot be read, and the error, `FILE` standing for the file's path. */
export interface Malformed {
  readonly content: string | Uint8Array;
  readonly error: string;
  readonly name?: string;
  readonly options?: ReadOptions;
}

/** Asserts that a file is refused with exactly this message. */
export async function assertRefused(
  { content, error, name, options }: Malformed,
): Promise<void> {
  using file = dataFile(content, name);
  const message = error.replaceAll("FILE", file.path);
  await rejects(readRows(file.path, options), { message });
}

/** The fields of a file's rows, and the errors of those that are left out. */
export async function readLeniently(path: string) {
  const errors: string[] = [];
  const rows = await readRows(path, {
    onBadRow: ({ message }) => errors.push(message.replaceAll(path, "FILE")),
  });
  return { rows: rows.map(({ fields }) => fields), errors };
}
