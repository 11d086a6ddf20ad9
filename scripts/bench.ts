import { bench } from "lib/bench/bench.ts";
import { writeArchive } from "lib/bench/devices/archive.ts";
import { rebuildBenchFigure } from "lib/bench/figure.ts";
import { peerPython } from "lib/bench/peers.ts";
import { SECTION_NAMES, type SectionName } from "lib/bench/record.ts";
import { choice, integer, number, parsed, text, toggle } from "lib/cli/flag.ts";
import { parseFlags, UsageError } from "lib/cli/flags.ts";
import { note, runVerb, say } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { type Device, DEVICES } from "lib/onnx/providers.ts";
import { fileURLToPath } from "node:url";

/** Sections that need no model and no data. */
const SYNTHETIC: readonly SectionName[] = [
  ...["machine", "parity", "models", "cost", "prompts", "experiment"] as const,
];

/** Sections of a device other than the CPU, where people train on both. */
const ON_DEVICES: readonly SectionName[] = ["machine", "parity", "models"];

/** Sections of the CPU, unless others are asked for. */
const ON_CPU = SECTION_NAMES.filter((name) =>
  !["parity", "models", "ranks"].includes(name)
);

const MAIN_EXPERIMENT = fileURLToPath(
  new URL("experiment.ts", import.meta.url),
);

const BENCH = {
  name: "bench",
  summary:
    "Measures speed and memory of training against the machine, and against TRL or PyTorch.",
  flags: {
    only: parsed({
      help: "sections to measure, of " + SECTION_NAMES.join(", ") +
        "; if absent, those of the device, and peer with --peer alone",
      placeholder: "SECTION,…",
      expected: `one or several of ${SECTION_NAMES.join(", ")}`,
      parse: parseSections,
      is: isSections,
    }),
    peer: choice(["trl", "torch"], {
      help: "also train with TRL on the same pairs, in turn with ours; " +
        "generation and tokenization are measured beside transformers, too; " +
        "on another device than the CPU, with PyTorch",
    }),
    python: text({
      help: "a Python that has TRL, or PyTorch, transformers and PEFT; if " +
        "absent, $PREFGRAD_PYTHON, or one that is made in the user's cache",
      placeholder: "FILE",
    }),
    device: choice(DEVICES, {
      help: "device that is measured; on another than the CPU: products, " +
        "parity with the CPU, and steps of decoders of random weights",
      default: "cpu",
    }),
    minutes: number({
      help: "minutes after which nothing more begins; what was not begun is " +
        "measured by the same command later",
      above: 0,
    }),
    model: text({
      help: "model folder, or org/name[@revision]",
      placeholder: "DIR|ID",
      default: "HuggingFaceTB/SmolLM2-135M-Instruct",
    }),
    long: text({
      help: "pairs of the workload long, cut at 512 tokens, in steps of 4",
      placeholder: "FILE|ID[:SPLIT]",
    }),
    short: text({
      help: "pairs of the workload short, in steps of 8",
      placeholder: "FILE|ID[:SPLIT]",
    }),
    rounds: integer({
      help: "times that both sides are measured in turn",
      default: 3,
      min: 1,
    }),
    steps: integer({
      help: "timed steps of a process; if absent, 1 long one or 2 short ones",
      min: 1,
    }),
    threads: integer({
      help: "threads on the CPU",
      default: navigator.hardwareConcurrency,
      min: 1,
    }),
    archive: text({
      help: "measure nothing, and write an archive with which a machine that " +
        "has an NVIDIA card and no network does so: unpack it there and start " +
        "run.sh",
      placeholder: "FILE.tar.xz",
    }),
    architecture: integer({
      help:
        "ten times the compute capability of that card: 90 for an H100 or " +
        "H200",
      default: 90,
      min: 75,
    }),
    quick: toggle({
      help: "measure as little as shows that everything works",
    }),
    again: toggle({
      help: "measure sections anew that the record has; others go on",
    }),
    out: text({
      help: "folder of the record, its tables and its figure",
      placeholder: "DIR",
      default: "results/local/bench",
    }),
  },
  examples: [
    "deno task bench --only machine,cost,prompts",
    "deno task bench --model ./SmolLM2-135M-Instruct --long dpo_en_demo.json --short truthfulqa_best.jsonl",
    "deno task bench --model ./SmolLM2-135M-Instruct --long dpo_en_demo.json --short truthfulqa_best.jsonl --peer trl --out results/bench",
    "deno task bench --device cuda --peer torch --minutes 8 --out results/bench-cuda",
    "deno task bench --only ranks --threads 1 --model ./SmolLM2-135M-Instruct --long dpo_en_demo.json --short truthfulqa_best.jsonl --out results/ranks",
  ],
} as const satisfies Verb;

function parseSections(list: string): readonly SectionName[] | undefined {
  const names = list.split(",");
  return isSections(names) ? names : undefined;
}

function isSections(value: unknown): value is readonly SectionName[] {
  return Array.isArray(value) &&
    value.every((name) => SECTION_NAMES.includes(name));
}

interface Wanted {
  readonly only?: readonly SectionName[] | undefined;
  readonly peer?: "trl" | "torch" | undefined;
  readonly device: Device;
}

/**
 * The sections to measure, in the order of records.
 *
 * @throws UsageError for a section or a peer that the device does not have.
 */
function sectionsOf({ only, peer, device }: Wanted): readonly SectionName[] {
  const known = device === "cpu" ? ON_CPU : ON_DEVICES;
  const other = only?.find((name) => device !== "cpu" && !known.includes(name));
  if (other) {
    throw new UsageError(
      `Cannot measure ${other} on ${device}: expected one or several of ${
        known.join(", ")
      }`,
    );
  }
  refusePeer({ peer, device });
  return SECTION_NAMES.filter((name) =>
    only?.includes(name) ??
      (known.includes(name) && (name !== "peer" || peer !== undefined))
  );
}

function refusePeer({ peer, device }: Wanted): void {
  const expected = device === "cpu" ? "trl" : "torch";
  if (peer === undefined || peer === expected) return;
  throw new UsageError(
    `Cannot use --peer ${peer} on ${device}: expected --peer ${expected}`,
  );
}

/** @throws UsageError where a section needs pairs that no flag names. */
function dataOf(
  { long, short, quick }: { long?: string; short?: string; quick: boolean },
  sections: readonly SectionName[],
): { long: string; short: string } {
  const needing = sections.find((name) => !SYNTHETIC.includes(name));
  const wanted = needing && short === undefined
    ? "short"
    : needing && long === undefined && !quick
    ? "long"
    : undefined;
  if (wanted === undefined) return { long: long ?? "-", short: short ?? "-" };
  throw new UsageError(
    `Cannot measure ${needing}: expected --${wanted} FILE with preference pairs`,
  );
}

async function pack(path: string, architecture: number): Promise<void> {
  const bytes = await writeArchive(path, { architecture, onNote: note });
  say(`Wrote ${path}, ${(bytes / 2 ** 20).toFixed(1)} MiB`);
}

await runVerb(
  () => parseFlags(BENCH, Deno.args),
  async ({ values }) => {
    const { out, peer, again, minutes, archive, ...rest } = values;
    if (archive !== undefined) return await pack(archive, rest.architecture);
    const sections = sectionsOf(values);
    const data = dataOf(values, sections);
    const given = rest.python ?? Deno.env.get("PREFGRAD_PYTHON");
    const isCompared = peer !== undefined || sections.includes("peer");
    const python = isCompared
      ? given ?? (peer === "torch" ? "python3" : await peerPython(note))
      : null;
    const { model, device, threads, rounds, steps, quick } = rest;
    const seconds = minutes === undefined ? undefined : 60 * minutes;
    const settings = { model, data, device, threads, rounds, steps, quick };
    await bench(
      { ...settings, python, mainExperiment: MAIN_EXPERIMENT },
      { out, sections, again, seconds, onNote: note },
    );
    await rebuildBenchFigure(out);
    say(`Wrote bench.json, table.md and figure.html in ${out}`);
  },
);
