// A program: a run's peak of memory, as it is estimated and as it is.
import { join } from "node:path";
import { peakMemory } from "lib/record/environment.ts";
import { run } from "lib/run/run.ts";
import { lineOf } from "lib/bench/workloads.ts";
import { pairOf } from "../train/long_rows.ts";

const [model, folder, loss, evaluated] = Deno.args;
const data = join(folder!, "rows.jsonl");
const rows = [300, 301, 302, 303].map(pairOf).map(lineOf);
await Deno.writeTextFile(data, rows.join(""));
let estimated = 0;
await run({
  ...{ model: model!, data, loss: loss!, batch: 2, threads: 2 },
  ...evaluated && { evalData: data },
  learningRate: 1e-4,
  tuning: { kind: "lora", rank: 16, alpha: 32, targets: "all-linear" },
}, {
  ...{ out: join(folder!, "out"), cache: folder! },
  onPrepared: (_, memory) => estimated = memory!.peak,
});
const text = JSON.stringify({ estimated, measured: peakMemory() });
await Deno.stdout.write(new TextEncoder().encode(text));
