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

/**
 * The rooms of lib and which others each may import, from top to bottom. A room
 * is a folder, or a file where DESIGN has one; the most specific one counts.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  exports: [
    ...["experiment", "run", "train", "loss_tools", "losses", "models"],
    ...["models/generate", "data", "grad", "optim", "ops", "onnx"],
    "distributed",
  ],
  bench: [
    ...["experiment", "run", "train", "losses", "models", "distributed"],
    ...["models/generate", "data", "optim", "ops", "onnx"],
  ],
  report: ["experiment", "run"],
  watch: ["experiment", "run", "losses"],
  experiment: [
    ...["run", "train", "loss_tools", "losses", "models", "data", "ops"],
    "onnx",
  ],
  run: [
    ...["train", "loss_tools", "losses", "models", "data", "onnx", "optim"],
    "distributed",
  ],
  "loss_tools": ["train", "losses", "data", "grad", "ops", "onnx"],
  train: [
    ...["losses", "models", "data", "grad", "optim", "ops", "onnx"],
    "distributed",
  ],
  distributed: [],
  "models/export": ["models", "ops", "onnx"],
  "models/generate": ["models", "ops", "onnx"],
  "model_card": ["losses"],
  losses: ["ops"],
  models: ["ops"],
  data: [],
  grad: ["ops"],
  optim: ["ops"],
  onnx: ["onnx/graph"],
  ops: ["onnx/graph"],
  "onnx/graph": [],
};

/** Rooms that every other may import, and which of one another. */
const LEAVES: Readonly<Record<string, readonly string[]>> = {
  hub: ["files"],
  plot: ["record", "files"],
  record: ["hub", "files"],
  cli: ["files"],
  stats: [],
  rng: [],
  files: [],
};

/** A room that imports one may import what that rests on in vocabulary. */
const allowed = (room: string): readonly string[] =>
  LEAVES[room] ?? [
    ...ROOMS[room]!,
    ...(ROOMS[room]!.some((name) => name !== "onnx/graph")
      ? ["onnx/graph"]
      : []),
    ...Object.keys(LEAVES),
  ];

/** What only one part of the repository may do, tests apart. */
const SINGLE: Record<string, { pattern: RegExp; where: RegExp }> = {
  "find onnxruntime": {
    pattern: /onnxruntime-node["@/]/,
    where: /^lib\/onnx\/ffi\/library\.ts$/,
  },
  "call foreign functions": {
    pattern: /\bDeno\.(dlopen|Unsafe)/,
    where: /^lib\/(onnx\/ffi|distributed)\//,
  },
  "open the network": {
    pattern:
      /\bfetch\(|\bDeno\.connect|\bWebSocket\b|"node:(https?|http2|net|tls|dgram)"/,
    where: /^lib\/hub\/network\.ts$/,
  },
  "serve": {
    pattern: /\bDeno\.(listen|serve)/,
    where: /^lib\/watch\/server\.ts$/,
  },
  "import the Hub's client": {
    pattern: /"@huggingface\/hub"/,
    where: /^lib\/hub\//,
  },
  "print": {
    pattern: /\bconsole\.|\bDeno\.(stdout|stderr)\b/,
    where: /^lib\/cli\/terminal\.ts$/,
  },
  "parse flags": { pattern: /\bparseArgs\b/, where: /^lib\/cli\/flags\.ts$/ },
  "read the command line": {
    pattern: /\bDeno\.args\b/,
    where: /^(scripts|experiments)\//,
  },
  "end the process": {
    pattern: /\bDeno\.exit/,
    where: /^(lib\/(cli\/terminal|experiment\/worker_process)\.ts$|scripts\/)/,
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

/** The room of a file of lib: the one that names it most closely. */
function roomOf(path: string): string | undefined {
  const inLib = path.replace(/^lib\//, "").replace(/\.(ts|schema\.json)$/, "");
  return [...Object.keys(ROOMS), ...Object.keys(LEAVES)]
    .filter((name) => `${inLib}/`.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
}

Deno.test("top-level folders import along the arrows only", () => {
  const wrong = EDGES.filter(({ from, to }) =>
    topOf(to) in FOLDERS && !FOLDERS[topOf(from)]!.includes(topOf(to))
  );
  deepStrictEqual(wrong, []);
});

Deno.test("every file of lib belongs to a room", () => {
  const files = [...SOURCES.keys()].filter((path) => topOf(path) === "lib");
  deepStrictEqual(files.filter((path) => !roomOf(path)), []);
});

Deno.test("at most five files lie in lib itself", () => {
  const loose = [...SOURCES.keys()].filter((path) => /^lib\/[^/]+$/.test(path));
  ok(loose.length <= 5, loose.join(", "));
});

Deno.test("rooms of lib import along the arrows only", () => {
  const wrong = EDGES.filter(({ from, to }) => {
    if (topOf(from) !== "lib" || topOf(to) !== "lib") return false;
    const [source, target] = [roomOf(from)!, roomOf(to)!];
    return source !== target && !allowed(source).includes(target);
  });
  deepStrictEqual(wrong, []);
});

Deno.test("only lib/exports exports what another file declares", () => {
  const wrong = [...SOURCES].filter(([path, code]) =>
    !path.startsWith("lib/exports/") &&
    /^export (type )?(\{[^}]*\}|\*[^"]*) from "/m.test(code)
  );
  deepStrictEqual(wrong.map(([path]) => path), []);
});

Deno.test("lib shows nothing on the terminal", () => {
  const wrong = EDGES.filter(({ from, to }) =>
    to === "lib/cli/terminal.ts" && topOf(from) === "lib"
  );
  deepStrictEqual(wrong, []);
});

Deno.test("the arrows make no circle", () => {
  const rests = { ...ROOMS, ...LEAVES };
  const above = (room: string, seen: readonly string[] = []): void => {
    ok(!seen.includes(room), `${seen.join(" → ")} → ${room}`);
    rests[room]!.forEach((next) => above(next, [...seen, room]));
  };
  Object.keys(rests).forEach((room) => above(room));
});

Deno.test("no files import one another in a circle", () => {
  const targets = Map.groupBy(EDGES, ({ from }) => from);
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    ok(!way.includes(path), [...way, path].join(" → "));
    if (done.has(path)) return;
    for (const { to } of targets.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of SOURCES.keys()) visit(path, []);
});

Deno.test("packages are imported by the names in deno.json", () => {
  const names = Object.keys(config.imports);
  const wrong = EDGES.filter(({ to }) =>
    !(topOf(to) in FOLDERS) && !to.startsWith("node:") &&
    !to.endsWith(".json") &&
    !names.some((name) => to === name || to.startsWith(`${name}/`))
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

Deno.test("tests find files through places.ts", () => {
  const wrong = [...SOURCES.keys()].filter((path) =>
    topOf(path) === "tests" && SOURCES.get(path)!.includes("import.meta.url")
  );
  deepStrictEqual(wrong, ["tests/layout_test.ts", "tests/places.ts"]);
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
  const names = new Set(
    tested!.map(([top, ...rest]) =>
      (top === "scripts" ? [top, ...rest] : rest).join("/")
    ),
  );
  const wrong = tests!.filter(([, ...rest]) =>
    rest.length > 0 && !names.has(rest.join("/"))
  );
  deepStrictEqual(wrong, []);
});
