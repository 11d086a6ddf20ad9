import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { plannedProcesses } from "lib/bench/peer_rounds.ts";
import { worthwhileSettings } from "lib/bench/peers.ts";
import { peerRatios, ratioOf } from "lib/bench/ratios.ts";
import type { PeerProcess } from "lib/bench/record.ts";
import { pairsOfRound } from "lib/bench/workloads.ts";

Deno.test("a ratio is the geometric mean over rounds, with Student's interval", () => {
  const { estimate, low, high, n } = ratioOf([8, 18], [4, 3]);
  ok(Math.abs(estimate - Math.sqrt(2 * 6)) < 1e-12);
  strictEqual(n, 2);
  // The interval of two log ratios that are ln 3 apart: t(1) = 12.706.
  const half = 12.7062 * Math.log(3) / 2;
  ok(Math.abs(Math.log(high! / estimate) - half) < 1e-3);
  ok(Math.abs(Math.log(estimate / low!) - half) < 1e-3);
});

Deno.test("a single round has no interval", () => {
  deepStrictEqual(ratioOf([6], [2]), {
    ...{ estimate: Math.exp(Math.log(3)), low: null, high: null, n: 1 },
  });
});

const process = (
  by: string,
  round: number,
  numbers: Partial<PeerProcess> = {},
): PeerProcess => ({
  ...{ workload: "long", loss: "dpo", by, round, load: 9, reference: 0 },
  ...{ first: 1, steps: [2, 2], peakMemoryBytes: 100, ...numbers },
});

Deno.test("peers are compared with ours of the same round alone", () => {
  const [found, ...others] = peerRatios([
    process("prefgrad", 0, { reference: 3 }),
    process("float32", 0, { steps: [6, 6], peakMemoryBytes: 500 }),
    process("prefgrad", 1, { steps: [20, 20] }),
    process("float32", 1, { steps: [60, 60], peakMemoryBytes: 500 }),
    process("float32", 2, { steps: [1, 1] }),
  ], "prefgrad");
  deepStrictEqual(others, []);
  const { steps, withReference, memory } = found!;
  ok(Math.abs(steps.estimate - 3) < 1e-12 && steps.n === 2);
  // (6 + 6) over (2 + 2 + 3), and 120 over 40.
  const mean = Math.sqrt(12 / 7 * 120 / 40);
  ok(Math.abs(withReference.estimate - mean) < 1e-12);
  ok(Math.abs(memory.estimate - 5) < 1e-12);
});

Deno.test("a reference counts for the same pairs on both sides", () => {
  const own = { reference: 3, referenceOfSteps: 2 };
  const ratios = peerRatios([
    process("prefgrad", 0, own),
    process("float32", 0, { steps: [6, 6] }),
    process("float32, reference before", 0, { steps: [6, 6], reference: 9 }),
  ], "prefgrad");
  const [inSteps, before] = ratios.map(({ withReference }) => withReference);
  ok(Math.abs(inSteps!.estimate - 12 / 6) < 1e-12);
  ok(Math.abs(before!.estimate - 21 / 7) < 1e-12);
});

Deno.test("each round has ours first and then every setting of the peer", () => {
  const names = processNames({ float32: 180, bfloat16: 390 });
  deepStrictEqual(names.filter((name) => name.startsWith("1")), [
    "1 dpo prefgrad",
    "1 dpo float32",
    "1 dpo bfloat16",
    "1 dpo bfloat16, reference before",
    "1 kto prefgrad",
    "1 kto float32",
    "1 orpo prefgrad",
    "1 orpo float32",
  ]);
  ok(names.includes("0 dpo default") && names.includes("0 kto bfloat16"));
});

Deno.test("settings in bfloat16 are left out where its products are far slower", () => {
  deepStrictEqual(processNames({ float32: 126, bfloat16: 18 }), [
    ...["0 dpo prefgrad", "0 dpo float32", "0 dpo float32, reference before"],
    ...["0 kto prefgrad", "0 kto float32", "0 orpo prefgrad"],
    ...["0 orpo float32", "1 dpo prefgrad", "1 dpo float32"],
    ...["1 kto prefgrad", "1 kto float32", "1 orpo prefgrad"],
    "1 orpo float32",
  ]);
  const atTheBound = { float32: 100, bfloat16: 50 };
  ok(processNames(atTheBound).includes("0 dpo default"));
});

/** The processes of two rounds where PyTorch's products have such speeds. */
function processNames(gflops: { float32: number; bfloat16: number }): string[] {
  const peerSettings = worthwhileSettings(gflops);
  return plannedProcesses("long", { rounds: 2, peerSettings })
    .map(({ loss, by, round }) => `${round} ${loss} ${by}`);
}

Deno.test("a round warms up on the shortest pairs and goes on where the last one ended", () => {
  const pairs = [5, 1, 4, 2, 3].map((length) => ({
    prompt: [1],
    completions: [new Array<number>(length).fill(2), [3]],
  }));
  const lengths = (round: number) =>
    pairsOfRound(pairs, { round, steps: 2, batch: 1 })
      .map(({ completions: [ids] }) => ids!.length);
  deepStrictEqual(lengths(0), [1, 5, 1]);
  deepStrictEqual(lengths(1), [1, 4, 2]);
  deepStrictEqual(lengths(2), [1, 3, 5]);
});
