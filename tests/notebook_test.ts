import { deepStrictEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { peerTest, runPeer } from "./peer_python.ts";
import { checkout, fixture } from "./places.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const NOTEBOOK = checkout("experiments/notebook.ipynb");

/** The parts of a notebook that the tests read. */
interface Notebook {
  readonly cells: readonly {
    readonly cell_type: "code" | "markdown";
    readonly source: readonly string[];
    readonly outputs?: readonly {
      readonly output_type: string;
      readonly data?: Readonly<Record<string, string | readonly string[]>>;
    }[];
  }[];
}

const read = async (path: string): Promise<Notebook> =>
  JSON.parse(await Deno.readTextFile(path));

/** How the outputs of each cell of code are shown. */
const shown = ({ cells }: Notebook) =>
  cells.filter(({ cell_type }) => cell_type === "code").map(({ outputs }) =>
    outputs!.map(({ output_type, data = {} }) => [
      output_type,
      ...Object.keys(data),
    ])
  );

const PICTURE = ["execute_result", "image/svg+xml"];
const TABLE = ["execute_result", "text/html"];

Deno.test("the notebook shows a figure and tables to who only reads it", async () => {
  const notebook = await read(NOTEBOOK);
  const outputs = shown(notebook).flat();
  const count = (wanted: readonly string[]) =>
    outputs.filter((each) => `${each}` === `${wanted}`).length;
  ok(count(PICTURE) === 1 && count(TABLE) >= 3, JSON.stringify(outputs));
  const { size } = await Deno.stat(NOTEBOOK);
  ok(size < 200_000, `${size} bytes`);
});

peerTest(
  "every cell of the notebook runs, to outputs of the same kinds",
  async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out.ipynb");
    await runPeer(fixture("run_notebook.py"), { args: [NOTEBOOK, out] });
    const [committed, found] = [await read(NOTEBOOK), await read(out)];
    deepStrictEqual(shown(found), shown(committed));
    deepStrictEqual(
      found.cells.map(({ source }) => source.join("")),
      committed.cells.map(({ source }) => source.join("")),
    );
  },
);
