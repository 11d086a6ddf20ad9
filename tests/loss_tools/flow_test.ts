import { ok, strictEqual } from "node:assert/strict";
import { type FlowOptions, gradientFlow } from "lib/loss_tools/flow.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";

const start = [0.3, 0.3, 0.4];
/** The first two answers are alike, the third is opposite to them. */
const alike = [[1, 0.15], [1, 0], [-1, 0.3]];

const flow = (id: string, options: Partial<FlowOptions> = {}) =>
  gradientFlow(findLoss(id), { start, ...options });

/** Ends of an independent sketch by Euler's method, to the digits it printed. */
const ENDS: Record<string, readonly [number, number, number]> = {
  dpo: [0.288, 0.231, 0.481],
  ipo: [0.270, 0.176, 0.554],
  "orpo-ratio": [0.008, 0, 0.992],
  sft: [0.80, 0.20, 0.002],
  orpo: [0.81, 0.19, 0.002],
};

for (const [id, end] of Object.entries(ENDS)) {
  Deno.test(`among alike answers ${id} ends at ${end.join(" / ")}`, async () => {
    // The sketch takes a hundredth of IPO's gradient.
    const path = await flow(id, {
      features: alike,
      time: id === "ipo" ? 2 : 200,
    });
    for (const [i, p] of path.at(-1)!.probabilities.entries()) {
      ok(Math.abs(p - end[i]!) < 6e-3, `${id}[${i}] is ${p}`);
    }
  });
}

for (const id of ["dpo", "ipo"]) {
  Deno.test(`${id} lowers the chosen of two alike answers, and raises it among unrelated ones`, async () => {
    const last = async (features?: FlowOptions["features"]) =>
      (await flow(id, { time: 2, ...features && { features } })).at(-1)!
        .probabilities;
    const [together, apart] = [await last(alike), await last()];
    ok(together[0]! < 0.3 && apart[0]! > 0.3);
    // The margin rises all the same.
    ok(together[0]! > together[1]!);
  });
}

Deno.test("the bare ratio of unrelated answers moves in a straight line", async () => {
  // Both logits move by 1 in a unit of time, in opposite directions.
  const path = await flow("orpo-ratio", { time: 2 });
  strictEqual(path.at(-1)!.time, 2);
  for (const { time, probabilities } of path) {
    const [w, l, other] = [0.3 * Math.exp(time), 0.3 * Math.exp(-time), 0.4];
    assertClose(probabilities, [w, l, other].map((x) => x / (w + l + other)), {
      tolerance: 1e-5,
    });
  }
});

Deno.test("IPO stands still where its margin has its target", async () => {
  const path = await flow("ipo", { lossOptions: { beta: 0.25 } });
  const [w, l] = path.at(-1)!.probabilities;
  ok(path.at(-1)!.time < 200);
  assertClose([Math.log(w! / l!)], [1 / (2 * 0.25)], { tolerance: 1e-4 });
});

Deno.test("every loss has a path of probabilities in both geometries", async () => {
  for (const { id } of LOSSES) {
    for (const features of [null, alike]) {
      const path = await flow(id, { time: 2, ...features && { features } });
      assertClose(path[0]!.probabilities, start);
      ok(path.length > 1, id);
      for (const { probabilities } of path) {
        const total = probabilities.reduce((a, b) => a + b, 0);
        ok(Math.abs(total - 1) < 1e-9, id);
      }
    }
  }
});
