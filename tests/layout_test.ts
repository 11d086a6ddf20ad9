import { deepStrictEqual, ok } from "node:assert/strict";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);

/** What files of a top-level folder may import. */
const FOLDERS: Record<string, readonly string[]> = {
  lib: ["lib"],
  experiments: ["experiments", "lib"],
  scripts: ["scripts", "experiments", "lib"],
  tests: ["tests", "scripts", "experiments", "lib"],
};

interface Area {
  /** Its files and folders in lib. */
  readonly files: readonly string[];
  /** Other areas that it may import. */
  readonly imports: readonly string[];
}

/** The parts of lib; whatever is not written here must not be imported. */
const AREAS: Record<string, Area> = {
  "onnx/graph": { files: ["onnx/graph"], imports: [] },
  "onnx/proto": {
    files: ["onnx/proto", "onnx/lower", "onnx/providers", "onnx/rename"],
    imports: ["onnx/graph"],
  },
  "onnx/session": {
    files: [
      "onnx/session",
      "onnx/linked_files",
      "onnx/no_telemetry",
      "onnx/state",
      "onnx/devices",
    ],
    imports: ["onnx/graph", "onnx/proto", "reason"],
  },
  ops: { files: ["ops"], imports: ["onnx/graph"] },
  grad: { files: ["grad"], imports: ["ops", "onnx/graph"] },
  optim: { files: ["optim"], imports: ["ops", "onnx/graph"] },
  losses: { files: ["losses"], imports: ["ops", "onnx/graph"] },
  models: {
    files: ["models"],
    imports: ["ops", "onnx/graph", "atomic", "reason", "untrusted"],
  },
  // What writes a model's graph rather than builds it.
  "onnx_folder": {
    files: ["models/onnx_folder"],
    imports: [
      "models",
      "onnx/graph",
      "onnx/proto",
      "atomic",
      "reason",
      "untrusted",
    ],
  },
  // What runs a model rather than builds it.
  generate: {
    files: ["models/generate"],
    imports: ["models", "ops", "onnx/graph", "onnx/proto", "onnx/session"],
  },
  data: { files: ["data"], imports: ["reason", "untrusted"] },
  train: {
    files: [
      "base_weights_error",
      "batch_pass",
      "checkpoints",
      "collected",
      "diagnostics",
      "evaluate",
      "examine",
      "metrics",
      "micro_batch",
      "model_metrics",
      "moving_reference",
      "objective",
      "optimization",
      "reference",
      "reference_cache",
      "scorer",
      "train",
      "trainer",
    ],
    imports: [
      "grad",
      "optim",
      "losses",
      "models",
      "data",
      "ops",
      "onnx/graph",
      "onnx/proto",
      "onnx/session",
      "record",
      "rng",
      "stats",
      "atomic",
      "reason",
    ],
  },
  hub: { files: ["hub"], imports: ["reason", "untrusted"] },
  record: { files: ["record"], imports: ["atomic"] },
  card: { files: ["model_card"], imports: ["record", "losses", "hub"] },
  plot: { files: ["plot"], imports: [] },
  // Reads files that somebody else made.
  untrusted: { files: ["untrusted"], imports: [] },
  rng: { files: ["rng"], imports: [] },
  stats: { files: ["stats"], imports: [] },
  atomic: { files: ["atomic_file", "atomic_folder"], imports: ["reason"] },
  reason: { files: ["reason_of", "is_object"], imports: [] },
  "cache folder": { files: ["cache_folder"], imports: [] },
  flags: { files: ["flags", "verb"], imports: [] },
  terminal: { files: ["terminal", "terminal_text"], imports: [] },
};

/** What only one part of the repository may do, tests apart. */
const SINGLE: Record<string, { pattern: RegExp; where: RegExp }> = {
  "import onnxruntime": {
    pattern: /"onnxruntime-node"/,
    where: /^lib\/onnx\/session\.ts$/,
  },
  "open the network": {
    pattern:
      /\bfetch\(|\bDeno\.(connect|listen|serve)|\bWebSocket\b|"node:(https?|http2|net|tls|dgram)"/,
    where: /^lib\/hub\/network\.ts$/,
  },
  "import the Hub's client": {
    pattern: /"@huggingface\/hub"/,
    where: /^lib\/hub(\.ts|\/)/,
  },
  "print": {
    pattern: /\bconsole\.|\bDeno\.(stdout|stderr)\b/,
    where: /^lib\/terminal\.ts$/,
  },
  "parse flags": { pattern: /\bparseArgs\b/, where: /^lib\/flags\.ts$/ },
  "read the command line": {
    pattern: /\bDeno\.args\b/,
    where: /^(scripts|experiments)\//,
  },
  "end the process": {
    pattern: /\bDeno\.exit/,
    where: /^(lib\/terminal\.ts$|scripts\/)/,
  },
};

/** TypeScript files by their path from the root. */
const SOURCES = new Map(Object.keys(FOLDERS).flatMap((folder) => read(folder)));

function read(folder: string): [path: string, code: string][] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return read(path);
    if (!path.endsWith(".ts")) return [];
    return [[path, Deno.readTextFileSync(new URL(path, ROOT))]];
  });
}

interface Edge {
  readonly from: string;
  /** A path from the root, or the name of a package. */
  readonly to: string;
  /** The same as it is written. */
  readonly specifier: string;
}

const IMPORTS =
  /^import\b[^"';]*"([^"]+)"|^export\b[^"';=()]*\bfrom\s*"([^"]+)"|\bimport\("([^"]+)"/gm;

/** Everything that files of the top-level folders import. */
const EDGES = [...SOURCES].flatMap(([from, code]) =>
  [...code.matchAll(IMPORTS)].map(([, ...found]): Edge => {
    const specifier = found.find((text) => text !== undefined)!;
    const to = specifier.startsWith(".")
      ? new URL(specifier, new URL(from, ROOT)).href.slice(ROOT.href.length)
      : specifier;
    return { from, to, specifier };
  })
);

const topOf = (path: string) => path.split("/")[0]!;

/** The area of a file of lib: the one that names it most closely. */
function areaOf(path: string): string | undefined {
  const inLib = path.replace(/^lib\//, "").replace(/\.(ts|schema\.json)$/, "");
  const covers = (name: string) => `${inLib}/`.startsWith(`${name}/`);
  return Object.keys(AREAS)
    .map((area) => ({ area, name: AREAS[area]!.files.find(covers) ?? "" }))
    .filter(({ name }) => name !== "")
    .sort((a, b) => b.name.length - a.name.length)[0]?.area;
}

Deno.test("top-level folders import along the arrows only", () => {
  const wrong = EDGES.filter(({ from, to }) =>
    topOf(to) in FOLDERS && !FOLDERS[topOf(from)]!.includes(topOf(to))
  );
  deepStrictEqual(wrong, []);
});

Deno.test("every file of lib belongs to an area", () => {
  const files = [...SOURCES.keys()].filter((path) => topOf(path) === "lib");
  deepStrictEqual(files.filter((path) => !areaOf(path)), []);
});

Deno.test("areas of lib import along the arrows only", () => {
  const wrong = EDGES.filter(({ from, to }) => {
    if (topOf(from) !== "lib" || topOf(to) !== "lib") return false;
    const [source, target] = [areaOf(from)!, areaOf(to)!];
    return source !== target && !AREAS[source]!.imports.includes(target);
  });
  deepStrictEqual(wrong, []);
});

Deno.test("the arrows make no circle", () => {
  const above = (area: string, seen: readonly string[] = []): void => {
    ok(!seen.includes(area), `${seen.join(" → ")} → ${area}`);
    AREAS[area]!.imports.forEach((next) => above(next, [...seen, area]));
  };
  Object.keys(AREAS).forEach((area) => above(area));
});

Deno.test("packages are imported by the names in deno.json", () => {
  const names = Object.keys(config.imports);
  const wrong = EDGES.filter(({ to }) =>
    !(topOf(to) in FOLDERS) && !to.startsWith("node:") &&
    !to.endsWith(".json") && !names.includes(to)
  );
  deepStrictEqual(wrong, []);
});

Deno.test("lib is imported by relative paths inside, by its name outside", () => {
  const wrong = EDGES.filter(({ from, to, specifier }) =>
    topOf(to) === "lib" &&
    specifier.startsWith(".") !== (topOf(from) === "lib")
  );
  deepStrictEqual(wrong, []);
});

for (const [what, { pattern, where }] of Object.entries(SINGLE)) {
  Deno.test(`only ${where.source} may ${what}`, () => {
    const doing = [...SOURCES.keys()].filter((path) =>
      topOf(path) !== "tests" && pattern.test(SOURCES.get(path)!)
    );
    deepStrictEqual(doing.filter((path) => !where.test(path)), []);
  });
}

Deno.test("no type and no rule is switched off", () => {
  const switches =
    /\bas (any|unknown as)\b|@ts-(ignore|expect-error|nocheck)|deno-(lint|fmt)-ignore/;
  const off = [...SOURCES].filter(([path, code]) =>
    path !== "tests/layout_test.ts" && switches.test(code)
  );
  deepStrictEqual(off.map(([path]) => path), []);
});

Deno.test("files are in snake_case and called by what they are", () => {
  const wrong = [...SOURCES.keys()].filter((path) => {
    const name = path.split("/").at(-1)!;
    return !/^[a-z][a-z0-9]*(_[a-z0-9]+)*\.ts$/.test(name) ||
      /^(index|mod|utils?|helpers?|misc|common|shared|types)\.ts$/.test(name);
  });
  deepStrictEqual(wrong, []);
});

Deno.test("folders of tests are called as what they test", () => {
  const folders = [...SOURCES.keys()].map((path) =>
    path.split("/").slice(0, -1)
  );
  const [tests, tested] = [true, false].map((areTests) =>
    folders.filter(([top]) => (top === "tests") === areTests)
  );
  const names = new Set(tested!.map(([top, ...rest]) => rest.join("/") || top));
  const wrong = tests!.filter(([, ...rest]) =>
    rest.length > 0 && !names.has(rest.join("/"))
  );
  deepStrictEqual(wrong, []);
});
