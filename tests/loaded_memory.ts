// A program: what a model takes that is loaded to be trained, or scored with.
import { cpuUsage } from "node:process";
import { BASE_WEIGHTS } from "lib/models/base_weights.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
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

/** Seconds of the processor since a moment: others may be using it, too. */
function secondsSince(start: ReturnType<typeof cpuUsage>): number {
  const { user, system } = cpuUsage(start);
  return (user + system) / 1e6;
}

/** Seconds in which this processor rounds so many numbers, one by one. */
function roundingSeconds(count: number): number {
  const numbers = Float32Array.from({ length: 2 ** 20 }, (_, i) => Math.sin(i));
  const codes = new Int8Array(numbers.length);
  const start = cpuUsage();
  for (let done = 0; done < count; done += numbers.length) {
    for (let i = 0; i < numbers.length; i++) {
      codes[i] = Math.round(numbers[i]! / 0.01);
    }
  }
  return secondsSince(start);
}

const [folder, tuning, held] = Deno.args;
const baseWeights = BASE_WEIGHTS.find((kind) => kind === held)!;
const start = cpuUsage();
const { policy } = await loadPolicy(folder!, TUNINGS[tuning!]!, {
  baseWeights,
});
const forward = new ForwardPass({ policy });
await forward.hash(); // compiles
const seconds = secondsSince(start);
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
const pass = roundingSeconds(countParameters(parameterNames(policy.config)));
const result = JSON.stringify({ passes: seconds / pass, bytes, trained });
Deno.stdout.writeSync(new TextEncoder().encode(result));
