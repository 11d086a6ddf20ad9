// A program: what a model takes that is loaded to be trained, or scored with.
import { cpuUsage } from "node:process";
import { BASE_WEIGHTS } from "lib/models/base_weights.ts";
import { countParameters } from "lib/models/parameters.ts";
import { loadPolicy, type Tuning } from "lib/models/load_policy.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";

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

const [folder, tuning, held] = Deno.args;
const baseWeights = BASE_WEIGHTS.find((kind) => kind === held)!;
const start = cpuUsage();
const { policy } = await loadPolicy(folder!, TUNINGS[tuning!]!, {
  baseWeights,
});
const forward = new ForwardPass({ policy });
await forward.hash(); // compiles
// Of the processor: others may be using it, too.
const { user, system } = cpuUsage(start);
const seconds = (user + system) / 1e6;
if (tuning === "lora") {
  // Weights are mapped: they come in when they are used.
  const parameters = Object.fromEntries(
    policy.trained.map(({ name, shape }) =>
      [name, { data: policy.initial.get(name)!, shape }] as const
    ),
  );
  await forward.logProbs([{ prompt: [1], completions: [[2, 3]] }], {
    parameters,
  });
}
const bytes = residentSet();
await forward.release();
const trained = countParameters(policy.trained);
const result = JSON.stringify({ seconds, bytes, trained });
Deno.stdout.writeSync(new TextEncoder().encode(result));
