/**
 * Prints the size and the shape of a checkout's lib, scripts and experiments:
 * `deno run -A tests/counts.ts [CHECKOUT]`; `--list` names files and inputs.
 */
import { dirname, join } from "node:path";
import { say } from "lib/cli/terminal.ts";
import { measureRuns } from "./measured_runs.ts";
import { checkout } from "./places.ts";

const [where = checkout()] = Deno.args.filter((arg) => arg !== "--list");
const ROOT = Deno.realPathSync(where);

const SOURCES = new Map(["lib", "scripts", "experiments"].flatMap(read));
const paths = [...SOURCES.keys()];

function read(folder: string): [path: string, code: string][] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return read(path);
    if (!path.endsWith(".ts")) return [];
    return [[path, Deno.readTextFileSync(join(ROOT, path))]];
  });
}

/** Source files that a source file imports. */
function importsOf(path: string): string[] {
  const imports =
    /^(?:import|export)\b[^"';=()]*"([^"]+)"|\bimport\("([^"]+)"/gm;
  const found = [...SOURCES.get(path)!.matchAll(imports)].map((match) => {
    const to = (match[1] ?? match[2])!;
    return to.startsWith(".") ? join(dirname(path), to) : to;
  });
  return [...new Set(found)].filter((to) => SOURCES.has(to));
}

/** Imports between source files, apart from those that only export again. */
const EDGES = paths.filter((path) => !path.startsWith("lib/exports/"))
  .flatMap((from) =>
    importsOf(from).map((to): [from: string, to: string] => [from, to])
  );

/** The file that imports another one, if only one does. */
function onlyImporter(path: string): string | undefined {
  const [first, second] = EDGES.filter(([, to]) => to === path);
  return second ? undefined : first?.[0];
}

const alone = paths.flatMap((path) => onlyImporter(path) ?? []);
const top = (path: string) => path.split("/")[0];

/**
 * Files with the name of a graph input: as an argument or an index (`("zeros"`,
 * `["zeros"`), as an entry of a table of inputs (`zeros: { shape`), or, where
 * tensors are made, as the key of one (`zeros: floats(`).
 */
function filesNaming(input: string): string[] {
  const name = RegExp(
    String.raw`[([]"${input}"|, "${input}"[,)]|^\s+${input}: {\s*(data|shape)`,
    "m",
  );
  const key = RegExp(String.raw`^\s+${input}: \w+\(`, "m");
  return [...SOURCES].flatMap(([path, code]) =>
    top(path) === "lib" && /\b(HostTensor|Arrayed|Graph|Value)\b/.test(code) &&
      (name.test(code) ||
        key.test(code) && /\b(HostTensor|Arrayed)\b/.test(code))
      ? [path]
      : []
  );
}

const lengths = paths.map((path) => SOURCES.get(path)!.split("\n").length - 1)
  .sort((a, b) => a - b);
const { way, inputs } = await measureRuns(ROOT);
const named = new Map(inputs.map((name) => [name, filesNaming(name)]));
const spread = [...named].filter(([, files]) => files.length > 1);
const crossings = EDGES.filter(([from, to]) =>
  way.includes(from) && way.includes(to) && top(from) !== top(to)
);
if (Deno.args.includes("--list")) {
  say(way.join("\n"));
  say(crossings.map((edge) => edge.join(" imports ")).join("\n"));
  for (const [name, files] of named) say([name, ...files].join(" "));
}
const counts = {
  "source files": paths.length,
  "files directly in lib":
    paths.filter((path) => /^lib\/[^/]+$/.test(path)).length,
  "files with exactly one importer": alone.length,
  "... which is a list of them, a registry.ts":
    alone.filter((importer) => importer.endsWith("/registry.ts")).length,
  "lines": lengths.reduce((a, b) => a + b),
  "median lines of a file": lengths[lengths.length >> 1],
  "files over 300 lines": lengths.filter((n) => n > 300).length,
  "files under 40 lines": lengths.filter((n) => n < 40).length,
  "files on the way of a row": way.length,
  "crossings between scripts and lib on it": crossings.length,
  "graph inputs": inputs.length,
  "graph inputs named in more than one file": spread.length,
};
for (const [name, count] of Object.entries(counts)) {
  say(`${`${count}`.padStart(6)}  ${name}`);
}
