import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { openRows } from "lib/data/open_rows.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const PAIR = { prompt: "Hi", chosen: "a", rejected: "b" };
const LABELLED = { prompt: "Hi", completion: "a", label: true };

/** A folder of data files, by name. */
function dataFolder(files: Record<string, readonly unknown[]>) {
  const folder = temporaryFolder();
  for (const [name, rows] of Object.entries(files)) {
    const lines = rows.map((row) =>
      typeof row === "string" ? row : JSON.stringify(row)
    );
    Deno.writeTextFileSync(join(folder.path, name), lines.join("\n") + "\n");
  }
  return folder;
}

const prompts = async (reader: Awaited<ReturnType<typeof openRows>>) =>
  (await Array.fromAsync(reader.rows())).map(({ prompt }) => prompt);

/** Paths that are opened while something runs, in order. */
async function opened(run: () => Promise<unknown>): Promise<string[]> {
  const { open } = Deno;
  const paths: string[] = [];
  Deno.open = (path, options) => {
    paths.push(String(path));
    return open(path, options);
  };
  try {
    await run();
  } finally {
    Deno.open = open;
  }
  return paths;
}

Deno.test("openRows() opens each file once, when its turn comes", async () => {
  using folder = dataFolder({
    "a.jsonl": [PAIR, { ...PAIR, prompt: "Ho" }],
    "b.jsonl": [{ ...PAIR, prompt: "Hu" }],
  });
  const files = ["a.jsonl", "b.jsonl"].map((name) => join(folder.path, name));
  const found = await opened(async () => {
    const reader = await openRows(folder.path);
    deepStrictEqual(await prompts(reader), ["Hi", "Ho", "Hu"]);
  });
  deepStrictEqual(found, files);
  const first = await opened(async () => {
    await using reader = await openRows(folder.path);
    deepStrictEqual(reader.columns, ["prompt", "chosen", "rejected"]);
  });
  deepStrictEqual(first, files.slice(0, 1));
});

Deno.test("openRows() stops at a limit, and counts bad rows as it meets them", async () => {
  using folder = dataFolder({
    "a.jsonl": ["{", PAIR, { ...PAIR, chosen: 5 }, PAIR, PAIR, "["],
  });
  const path = join(folder.path, "a.jsonl");
  const reader = await openRows(path, { skipBadRows: true, limit: 2 });
  strictEqual(reader.bad.count, 1);
  strictEqual((await prompts(reader)).length, 2);
  strictEqual(reader.bad.count, 2);
  await rejects(openRows(path), /Cannot read .*a.jsonl, line 1/);
});

Deno.test("openRows() recognises the layout of each file, and refuses other kinds", async () => {
  using folder = dataFolder({
    "a.jsonl": [PAIR],
    "b.jsonl": [{ instruction: "Hu", chosen: "a", rejected: "b" }],
  });
  const reader = await openRows(folder.path);
  strictEqual(reader.format, "trl-pairs");
  strictEqual((await prompts(reader)).length, 2);

  const name = join(folder.path, "c.jsonl");
  Deno.writeTextFileSync(name, JSON.stringify(LABELLED));
  const mixed = await openRows(folder.path, { skipBadRows: true });
  await rejects(prompts(mixed), (error: Error) => {
    strictEqual(
      error.message,
      `Cannot mix pairs and labels (${name}, line 1) in ${mixed.name}: expected one kind`,
    );
    return true;
  });
});
