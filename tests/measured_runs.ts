import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { baseSize, withByteTokenizer } from "./data/byte_tokenizer.ts";
import { putJson, tensorsFor, TINY } from "./models/tiny_model.ts";
import { denoFolder } from "./scripts/tiny_training.ts";

/** What small runs of a checkout's verbs show. */
export interface Measured {
  /**
   * Files that a row of data passes, by their path in the checkout: those of
   * which a function or a loop runs more often for 16 rows than for 8. Code
   * that finds a model or builds a graph runs as often for both.
   */
  readonly way: readonly string[];
  /** Names of graph inputs, except those of parameters. */
  readonly inputs: readonly string[];
}

/** Trains a small model on all kinds of rows and lets it generate. */
export async function measureRuns(checkout: string): Promise<Measured> {
  const measured = { way: [""], inputs: [""] };
  await withByteTokenizer({}, async (folder) => {
    const config = { ...TINY, ...named("vocab_size", baseSize) };
    await putJson(join(folder, "config.json"), config);
    const weights = await tensorsFor(folder);
    await writeSafetensors(join(folder, "model.safetensors"), weights);
    const run = (rows: readonly object[], args: readonly string[]) =>
      runVerb(rows, args, { folder, checkout });
    const train = (rows: readonly object[], ...args: string[]) =>
      run(rows, ["train", "--batch=4", "--out=out", "--data", FILE, ...args]);
    // V8 counts otherwise in a first run, of which it caches compiled code.
    await train(texts(8), "--loss=dpo");
    const few = await train(texts(8), "--loss=dpo");
    const many = await train(texts(16), "--loss=dpo");
    measured.way = passed(turns(few, checkout), turns(many, checkout));
    measured.inputs = declared([
      many,
      await train(pairs, "--loss=dpo+ld-dpo+wpo+aot"),
      await train(pairs, "--loss=sft", "--nll-over=all"),
      await train(labels, "--loss=kto"),
      await train(ranks, "--loss=listwise-dpo"),
      await run(texts(1), ["generate", "--prompts", FILE]),
    ]);
  });
  return measured;
}

const FILE = "rows.jsonl";
const named = (name: string, value: unknown) =>
  Object.fromEntries([[name, value]]);
const texts = (n: number) =>
  Array.from({ length: n }, (_, i) => ({
    ...{ prompt: `${i}?`, chosen: "yes", rejected: "no" },
  }));
const rows = (rest: (i: number) => object) =>
  Array.from({ length: 8 }, (_, i) => ({
    ...named("prompt_ids", [5, 6, i]),
    ...rest(i),
  }));
const pairs = rows((i) => ({
  ...named("chosen_ids", [8, i]),
  ...named("rejected_ids", [9]),
}));
const labels = rows((i) => ({
  ...named("completion_ids", [8, i]),
  label: i % 3 > 0,
}));
const ranks = rows((i) => named("completions_ids", [[8], [9], [i]]));

/** Has a process write the names of the graph inputs it declares. */
const recorder = (checkout: string) => `
const module = "${pathToFileURL(join(checkout, "lib/onnx/graph/graph.ts"))}";
const { Graph } = await import(module);
const names = new Set();
const { input } = Graph.prototype;
Graph.prototype.input = function (name, ...rest) {
  names.add(name);
  return input.call(this, name, ...rest);
};
const write = () => Deno.writeTextFileSync("inputs", [...names].join("\\n"));
addEventListener("unload", write);`;

/** Runs a verb in a folder, which has `inputs` and `coverage` afterwards. */
async function runVerb(
  rows: readonly object[],
  [verb, ...args]: readonly string[],
  { folder, checkout }: { folder: string; checkout: string },
): Promise<string> {
  const cwd = await Deno.makeTempDir({ dir: folder });
  const lines = rows.map((row) => JSON.stringify(row));
  await Deno.writeTextFile(join(cwd, FILE), lines.join("\n"));
  await Deno.writeTextFile(join(cwd, "recorder.ts"), recorder(checkout));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--coverage=coverage", "--preload=recorder.ts"],
      ...[join(checkout, `scripts/${verb}.ts`), "--model", folder, ...args],
    ],
    env: { XDG_CACHE_HOME: cwd, DENO_DIR: await denoFolder() },
    cwd,
  }).output();
  if (code === 0) return cwd;
  throw new Error(new TextDecoder().decode(stderr));
}

/** V8's account of a function: its first range is all of it. */
interface Covered {
  readonly functionName: string;
  readonly ranges: readonly { startOffset: number; count: number }[];
}

/** How often each function of a checkout or its busiest loop ran. */
function turns(cwd: string, checkout: string): Map<string, number> {
  const root = pathToFileURL(`${checkout}/`).href;
  const files = [...Deno.readDirSync(join(cwd, "coverage"))];
  const scripts = files.map(({ name }): { url: string; functions: Covered[] } =>
    JSON.parse(Deno.readTextFileSync(join(cwd, "coverage", name)))
  );
  const own = scripts.filter(({ url }) =>
    /^(lib|scripts|experiments)\//.test(url.slice(root.length))
  );
  return new Map(
    own.flatMap(({ url, functions }) =>
      functions.map(({ functionName, ranges }) => [
        `${url.slice(root.length)} ${functionName} ${ranges[0]!.startOffset}`,
        Math.max(...ranges.map(({ count }) => count)),
      ])
    ),
  );
}

function passed(
  few: ReadonlyMap<string, number>,
  many: ReadonlyMap<string, number>,
): string[] {
  const busier = [...many].filter(([id, n]) => n > (few.get(id) ?? Infinity));
  return [...new Set(busier.map(([id]) => id.split(" ")[0]!))].sort();
}

function declared(folders: readonly string[]): string[] {
  const names = folders.flatMap((folder) =>
    Deno.readTextFileSync(join(folder, "inputs")).split("\n")
  );
  return [...new Set(names)].filter((name) => !name.includes(".")).sort();
}
