import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import {
  portablePath,
  readRecord,
  type RunRecord,
  writeRecord,
  writeRecordOf,
} from "lib/record/record.ts";
import { environment, peakMemory } from "lib/record/environment.ts";
import { sha256 } from "lib/record/sha256.ts";
import { checkout } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const RECORD: RunRecord = {
  schemaVersion: 1,
  kind: "train",
  name: "dpo",
  settings: {
    model: "shared/models/tiny",
    beta: 0.1,
    targets: ["q_proj"],
    resume: null,
  },
  objective: {
    loss: "dpo",
    formula: "−log σ(β((log π/π_ref)(chosen) − (log π/π_ref)(rejected)))",
    reduction: "mean over pairs",
    nll: null,
    kl: null,
    reference: "the initial policy",
  },
  seeds: { init: 0, order: 0 },
  provenance: {
    commit: "0123456789abcdef0123456789abcdef01234567",
    dirty: false,
  },
  data: [{
    role: "train",
    source: "pairs.jsonl",
    sha256: sha256("rows"),
    counts: { rows: 3, truncated: 1, dropped: 0, boundaryShifted: 0 },
  }],
  model: {
    source: "tiny",
    weights: sha256("weights"),
    adapter: null,
    tokenizer: sha256("tokenizer"),
    parameters: { total: 260_032, trainable: 4096 },
  },
  environment: environment({ device: "cpu", precision: "float32", threads: 2 }),
  timings: {
    startedAt: "2025-01-31T12:00:00.000Z",
    seconds: 1.5,
    phases: { train: 1 },
  },
  peakMemoryBytes: peakMemory(),
  summary: { loss: 0.5, "rewards/accuracies": 1 },
  artifacts: {
    "metrics.jsonl": sha256("metrics"),
    "adapter/adapter_config.json": sha256(""),
  },
};

Deno.test("readRecord() returns what writeRecord() wrote", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "new");
  await writeRecord(out, RECORD);
  deepStrictEqual(await readRecord(join(out, "run.json")), RECORD);
  const untrained = {
    ...RECORD,
    objective: null,
    provenance: null,
    data: [],
  };
  await writeRecord(out, untrained);
  deepStrictEqual(await readRecord(join(out, "run.json")), untrained);
});

Deno.test("writeRecordOf() puts the record of a file beside it", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "rows.jsonl");
  await writeRecordOf(file, RECORD);
  deepStrictEqual(await readRecord(`${file}.record.json`), RECORD);
  const broken = { ...RECORD, name: file };
  await rejects(writeRecordOf(file, broken), /rows.jsonl.record.json: \/name/);
});

Deno.test("The schema wants every field of the record and no other", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "run.json");
  const variants = [...withoutOneField(RECORD)];
  ok(variants.some(([key]) => key === "boundaryShifted"), "reaches the leaves");
  for (const [key, variant] of variants) {
    await Deno.writeTextFile(path, JSON.stringify(variant));
    await rejects(
      readRecord(path),
      new RegExp(`/${key} is missing`),
    );
  }
  await Deno.writeTextFile(path, JSON.stringify({ ...RECORD, host: "x" }));
  await rejects(
    readRecord(path),
    /\/host is not known/,
  );
});

Deno.test("readRecord() names the file, the place and what was expected", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "run.json");
  const cases: [string, RegExp][] = [
    [
      JSON.stringify({ ...RECORD, schemaVersion: 2 }),
      /\/schemaVersion is 2, expected/,
    ],
    [
      JSON.stringify({ ...RECORD, seeds: { init: 0.5 } }),
      /\/seeds\/init is 0\.5, expected/,
    ],
    [
      JSON.stringify({ ...RECORD, artifacts: { a: "xyz" } }),
      /run\.json: \/artifacts\/a is "xyz", expected a SHA-256/,
    ],
    ["{", /Cannot read .*run\.json: expected JSON/],
  ];
  for (const [text, message] of cases) {
    await Deno.writeTextFile(path, text);
    await rejects(readRecord(path), message);
  }
});

Deno.test("writeRecord() refuses absolute paths wherever they stand", async () => {
  using folder = temporaryFolder();
  const leaks: [Partial<RunRecord>, RegExp][] = [
    [
      { settings: { data: ["/home/me/x.jsonl"] } },
      /\/settings\/data\/0 is "\/home\/me/,
    ],
    [{ settings: { out: "C:\\Users\\me" } }, /\/settings\/out is "C:/],
    [
      { summary: { "/home/me": 1 } },
      /\/summary is "\/home\/me", expected a text that is no/,
    ],
    [
      { model: { ...RECORD.model, source: "file:///me" } },
      /\/model\/source is "file:/,
    ],
    [{ artifacts: { "~/x": sha256("") } }, /\/artifacts is "~\/x"/],
  ];
  for (const [leak, message] of leaks) {
    await rejects(writeRecord(folder.path, { ...RECORD, ...leak }), message);
  }
  deepStrictEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("writeRecord() gives the same bytes whatever the order of keys", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "run.json");
  await writeRecord(folder.path, RECORD);
  const text = await Deno.readTextFile(path);
  const { kind, data, ...rest } = RECORD;
  await writeRecord(folder.path, { ...rest, data, kind });
  strictEqual(await Deno.readTextFile(path), text);
});

Deno.test("portablePath() tells nothing of the machine", () => {
  const inside = checkout("lib/rng.ts");
  strictEqual(portablePath(inside), "lib/rng.ts");
  strictEqual(portablePath(checkout()), ".");
  strictEqual(portablePath("/home/me/data/pairs.jsonl"), "pairs.jsonl");
  strictEqual(
    portablePath(checkout("../x/..y")),
    "..y",
  );
});

/** Fields whose keys are the run's own. */
const OPEN = [
  "settings",
  "seeds",
  "packages",
  "phases",
  "summary",
  "artifacts",
];

/** The value with each of its fields, at any depth, left out in turn. */
function* withoutOneField(value: object): Generator<[string, object]> {
  for (const [key, member] of Object.entries(value)) {
    const rest = Object.entries(value).filter(([other]) => other !== key);
    if (!Array.isArray(value)) yield [key, Object.fromEntries(rest)];
    if (OPEN.includes(key) || typeof member !== "object" || !member) continue;
    for (const [inner, variant] of withoutOneField(member)) {
      const changed = { ...value, [key]: variant };
      yield [inner, Array.isArray(value) ? Object.values(changed) : changed];
    }
  }
}
