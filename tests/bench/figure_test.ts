import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import { bench } from "lib/bench/bench.ts";
import { rebuildBenchFigure } from "lib/bench/figure.ts";
import {
  type BenchRecord,
  cpuFlags,
  newBench,
  type PeerProcess,
  readBench,
  withSection,
  writeBench,
} from "lib/bench/record.ts";
import { summaryOf } from "lib/bench/summary.ts";
import { integerFault } from "lib/onnx/devices.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const fault = await integerFault();

const process = (
  by: string,
  round: number,
  seconds: number,
): PeerProcess => ({
  ...{ workload: "long", loss: "dpo", by, round, load: 2, reference: 1 },
  ...{ first: 1, steps: [seconds], peakMemoryBytes: 2e9 },
});

/** Made-up measurements of every section. */
const SECTIONS = {
  machine: {
    products: [
      { rows: 256, inputs: 576, outputs: 576, gflops: 200 },
      { rows: 512, inputs: 576, outputs: 576, gflops: 180 },
    ],
  },
  training: {
    long: {
      ...{ load: 3, reference: 2, first: 1, steps: [4, 6], batch: 4 },
      ...{ start: { process: 0.5, compile: 2.5 }, tokens: [3000, 2000] },
      peakMemoryBytes: 3e9,
    },
  },
  profile: {
    long: {
      executed: 1.2e12,
      needed: { trunk: 7e11, head: 1e11, attention: 1e11, adapters: 1e11 },
      operators: [{ operator: "Gemm", seconds: 8, runs: 10 }],
      ...{ nodes: 5900, seconds: 9 },
    },
  },
  baseWeights: {
    ...{ workload: "long", float32: [6, 6, 12], held: [4, 4, 8] },
    error: { rows: 4, tokens: 800, mean: 0.05, largest: 0.4 },
    products: [{
      ...{ rows: 256, inputs: 576, outputs: 576, gflops: 300 },
      precision: "float32",
    }],
  },
  cost: {
    length: [{
      ...{ hidden: 256, layers: 4, vocabulary: 8192, rank: 16, length: 128 },
      ...{ batch: 1, parameters: 1e6, seconds: 0.5, tokensPerSecond: 256 },
      ...{ gflops: 100, loadedBytes: 2e8, peakMemoryBytes: 3e8 },
    }],
  },
  prompts: [{
    ...{ name: "TL;DR", prompt: 382, completion: 34 },
    ...{ shared: [1, 1], repeated: [1.5, 1.5] },
  }],
  generation: { prompts: 16, tokens: 64, ours: [300, 300], theirs: [100, 100] },
  tokenization: {
    ...{ texts: 80, tokens: 4e4, rowsPerSecond: 50 },
    ...{ ours: [500], theirs: [] },
  },
  experiment: { seconds: 50 },
  peer: {
    versions: { trl: "1.16.0" },
    products: { float32: 126, bfloat16: 18 },
    refused: { "padding_free": "is disabled" },
    processes: [
      ...[process("prefgrad", 0, 2), process("float32", 0, 10)],
      ...[process("prefgrad", 1, 2), process("float32", 1, 10)],
    ],
  },
};

async function madeUp(): Promise<BenchRecord> {
  const settings = { model: "tiny", rounds: 2 };
  const record = await newBench({ settings, inputs: {} }, {
    ...{ device: "cpu", threads: 2 },
  });
  return { ...record, sections: SECTIONS };
}

Deno.test("ratios and fractions follow from a record", async () => {
  const { peakGflops, steps, peers, prompts, ...others } = summaryOf(
    await madeUp(),
  );
  const { baseWeights, generation, tokenization } = others;
  strictEqual(peakGflops, 200);
  deepStrictEqual(steps["long"], {
    ...{ pairsPerSecond: 0.8, tokensPerSecond: 500, peakMemoryBytes: 3e9 },
    // 10¹² operations in ten seconds, of 200 · 10⁹ a second.
    ...{ startSeconds: 4, usefulShare: 0.5, executedPerNeeded: 1.2 },
  });
  const rounded = (x: number | undefined) => x?.toFixed(6);
  const peer = peers["long-dpo-float32"];
  strictEqual(rounded(peer?.steps.estimate), "5.000000");
  strictEqual(rounded(peer?.withReference.estimate), "3.666667");
  strictEqual(rounded(prompts["TL;DR"]?.estimate), "1.500000");
  strictEqual(rounded(baseWeights?.steps.estimate), "1.500000");
  ok(baseWeights?.isFaster && baseWeights.error === 0.05);
  strictEqual(rounded(generation?.ratio?.estimate), "3.000000");
  strictEqual(tokenization?.ratio, null);
});

Deno.test("tables, summary and figure are made of the record alone", async () => {
  using folder = temporaryFolder();
  await writeBench(folder.path, await madeUp());
  await rebuildBenchFigure(folder.path);
  const read = (name: string) => Deno.readTextFileSync(join(folder.path, name));
  match(read("table.md"), /long-dpo-float32 +\| 5\.00 \(5\.00 to 5\.00\)/);
  match(read("table.md"), /1\.50 \(1\.50 to 1\.50\) +\| yes, if its error/);
  match(read("table.md"), /bfloat16 +\| 18 +\| no, far slower/);
  match(read("table.md"), /float32 +\| 126 +\| yes/);
  match(read("table.md"), /seconds to its figure[ |]+\n.*\n\| 50 /);
  match(read("table.md"), /padding_free +\| is disabled/);
  const { title, panels } = JSON.parse(read("figure.json"));
  strictEqual(
    title,
    "DPO takes TRL 3.7 times as long in float32, reference included",
  );
  deepStrictEqual(panels.map((panel: { title: string }) => panel.title), [
    "Time with the reference, TRL over prefgrad",
    "Peak memory, TRL over prefgrad",
    "Seconds a step by length",
    "Gigabytes beyond the loaded model by length",
  ]);
  const files = ["summary.json", "table.md", "figure.json"];
  const before = files.map(read);
  await rebuildBenchFigure(folder.path);
  deepStrictEqual(files.map(read), before);
});

Deno.test("a section keeps its begin and adds up its seconds", async () => {
  const started = new Date(Date.now() - 5000);
  const content = SECTIONS.machine;
  const record = await madeUp();
  const once = withSection(record, "machine", { content, started });
  const { machine } = withSection(once, "machine", { content, started })
    .measured;
  strictEqual(machine?.startedAt, started.toISOString());
  ok(machine.seconds >= 10 && machine.seconds < 20);
});

Deno.test("bench goes on with a record of the same settings, and with no other", async () => {
  using folder = temporaryFolder();
  const data = { long: "-", short: "-" };
  const settings = {
    ...{ model: "tiny", data, threads: 2, rounds: 3, quick: true },
    python: null,
    mainExperiment: "",
    device: "cpu" as const,
  };
  const notes: string[] = [];
  const options = {
    ...{ out: folder.path, sections: ["machine"] as const, again: false },
    onNote: (text: string) => notes.push(text),
  };
  const { sections: _, ...empty } = await bench(settings, {
    ...{ ...options, sections: [] },
  });
  await writeBench(folder.path, { ...empty, sections: SECTIONS });
  await bench(settings, options);
  deepStrictEqual(notes, ["machine: measured before"]);
  await rejects(
    bench({ ...settings, rounds: 2 }, options),
    /its record has rounds 3, found 2; expected the same, or another --out/,
  );
  deepStrictEqual((await readBench(folder.path))?.sections, SECTIONS);
});

Deno.test({
  name: "bench goes on without w8a16 where products of whole numbers are wrong",
  ignore: fault === null,
  fn: async () => {
    using folder = temporaryFolder();
    const notes: string[] = [];
    const { sections } = await bench({
      ...{ model: "tiny", threads: 2, rounds: 1, quick: true, python: null },
      ...{ data: { long: "-", short: "-" }, device: "cpu", mainExperiment: "" },
    }, {
      ...{ out: folder.path, sections: ["baseWeights"], again: false },
      onNote: (text) => notes.push(text),
    });
    deepStrictEqual(sections, {});
    deepStrictEqual(notes, [
      `baseWeights: not measured on this processor: ${fault}`,
    ]);
  },
});

Deno.test("the processor's flags for vectors and matrices are kept", () => {
  const text =
    "model name\t: A\nflags\t\t: fpu avx2 avx512_vnni amx_int8 ht fma\n";
  deepStrictEqual(cpuFlags(text), ["avx2", "avx512_vnni", "amx_int8", "fma"]);
  deepStrictEqual(cpuFlags(null), []);
});
