// A program: what a model takes that is loaded to be trained, or scored with.
import { countParameters } from "lib/models/config.ts";
import { loadPolicy, type Tuning } from "lib/models/load_policy.ts";
import { Scorer } from "lib/scorer.ts";

const TUNINGS: Record<string, Tuning> = {
  full: { kind: "full" },
  lora: {
    kind: "lora",
    rank: 16,
    alpha: 32,
    targets: "all-linear",
    uniform: () => 0.5,
  },
};

/** In bytes, by Linux. */
function residentSet(): number {
  const [, kilobytes] = Deno.readTextFileSync("/proc/self/status")
    .match(/^VmRSS:\s+(\d+) kB$/m)!;
  return Number(kilobytes) * 1024;
}

const [folder, tuning] = Deno.args;
const start = performance.now();
const { policy } = await loadPolicy(folder!, TUNINGS[tuning!]!);
const scorer = new Scorer({ policy });
await scorer.hash(); // compiles
const seconds = (performance.now() - start) / 1000;
if (tuning === "lora") {
  // Weights are mapped: they come in when they are used.
  const parameters = Object.fromEntries(
    policy.trained.map(({ name, shape }) =>
      [name, { data: policy.initial.get(name)!, shape }] as const
    ),
  );
  await scorer.score([{ prompt: [1], completions: [[2, 3]] }], { parameters });
}
const bytes = residentSet();
await scorer.release();
const trained = countParameters(policy.trained);
const result = JSON.stringify({ seconds, bytes, trained });
Deno.stdout.writeSync(new TextEncoder().encode(result));
