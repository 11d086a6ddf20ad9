import { bench } from "lib/bench/bench.ts";
import { rebuildBenchFigure } from "lib/bench/figure.ts";
import { peerPython } from "lib/bench/peers.ts";
import { SECTION_NAMES, type SectionName } from "lib/bench/record.ts";
import { choice, integer, parsed, text, toggle } from "lib/cli/flag.ts";
import { parseFlags, UsageError } from "lib/cli/flags.ts";
import { note, runVerb, say } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";

/** Sections that need no model and no data. */
const SYNTHETIC: readonly SectionName[] = ["machine", "cost", "prompts"];

const BENCH = {
  name: "bench",
  summary:
    "Measures speed and memory of training against the machine, and against TRL.",
  flags: {
    only: parsed({
      help: "sections to measure, of " + SECTION_NAMES.join(", ") +
        "; if absent, all of them, and peer with --peer alone",
      placeholder: "SECTION,…",
      expected: `one or several of ${SECTION_NAMES.join(", ")}`,
      parse: parseSections,
      is: isSections,
    }),
    peer: choice(["trl"], {
      help: "also train with TRL on the same pairs, in turn with ours; " +
        "generation and tokenization are measured beside transformers, too",
    }),
    python: text({
      help: "a Python that has TRL; if absent, $PREFGRAD_PYTHON, or one that " +
        "is made in the user's cache",
      placeholder: "FILE",
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

/** The sections to measure, in the order of records. */
function sectionsOf(
  { only, peer }: { only?: readonly SectionName[]; peer?: string },
): readonly SectionName[] {
  return SECTION_NAMES.filter((name) =>
    only?.includes(name) ?? (name !== "peer" || peer !== undefined)
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

await runVerb(
  () => parseFlags(BENCH, Deno.args),
  async ({ values }) => {
    const { out, peer, again, ...rest } = values;
    const sections = sectionsOf(values);
    const data = dataOf(values, sections);
    const given = rest.python ?? Deno.env.get("PREFGRAD_PYTHON");
    const isCompared = peer !== undefined || sections.includes("peer");
    const python = isCompared ? given ?? await peerPython(note) : null;
    const { model, threads, rounds, steps, quick } = rest;
    await bench(
      { model, data, threads, rounds, steps, quick, python },
      { out, sections, again, onNote: note },
    );
    await rebuildBenchFigure(out);
    say(`Wrote bench.json, table.md and figure.html in ${out}`);
  },
);
