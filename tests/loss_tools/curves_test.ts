import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { lossCurves, weightMaps } from "lib/loss_tools/curves.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const curvesOf = (id: string) => lossCurves(findLoss(id));

Deno.test("along DPO's margin are −log σ(βx) and the weight β σ(−βx)", async () => {
  const { x, losses, weights } = await curvesOf("dpo");
  strictEqual(x[0], -60);
  strictEqual(x.at(-1), 60);
  assertClose(losses[0]!.y, x.map((x) => -Math.log(sigmoid(x / 10))));
  for (const { y } of weights) {
    assertClose(y, x.map((x) => sigmoid(-x / 10) / 10));
  }
  deepStrictEqual(weights.map(({ name }) => name), [
    "raises y_w",
    "lowers y_l",
  ]);
});

Deno.test("labels have a curve each, with KTO's z₀ at 0", async () => {
  const { x, losses: [desirable, undesirable] } = await curvesOf("kto");
  strictEqual(x.at(-1), 30);
  assertClose(desirable!.y, x.map((x) => sigmoid(-x / 10)));
  assertClose(undesirable!.y, x.map((x) => sigmoid(x / 10)));
});

/** Values at π = π_ref that do not depend on where that is. */
const STARTS: Readonly<Record<string, readonly number[]>> = {
  dpo: [Math.LN2],
  ipo: [25],
  hinge: [1],
  kto: [0.5, 0.5],
  nca: [2 * Math.LN2],
  bco: [2 * Math.LN2],
  "apo-zero": [1],
  sppo: [500_000],
};

for (const [id, start] of Object.entries(STARTS)) {
  Deno.test(`${id} begins at ${start.join(" and ")}`, async () => {
    assertClose((await curvesOf(id)).start, start);
  });
}

Deno.test("what ranks a batch sees each pair alone: AOT is DPO then", async () => {
  const [aot, dpo] = [await curvesOf("aot"), await curvesOf("dpo")];
  for (const [i, { y }] of aot.weights.entries()) {
    assertClose(y, dpo.weights[i]!.y);
  }
});

Deno.test("maps hold weights by what y_w and y_l have gained", async () => {
  const found = await weightMaps(findLoss("apo-zero"));
  const { sides, maps: [chosen, rejected] } = found!;
  const slope = (x: number) => sigmoid(x / 10) * sigmoid(-x / 10) / 10;
  const squares = sides.flatMap((w) => sides.map((l) => ({ w, l })));
  assertClose(chosen!.weights.flat(), squares.map(({ w }) => slope(w)));
  assertClose(rejected!.weights.flat(), squares.map(({ l }) => slope(l)));
});

Deno.test("a loss of single answers has no map", async () => {
  deepStrictEqual(await weightMaps(findLoss("sft")), null);
  deepStrictEqual(await weightMaps(findLoss("kto")), null);
});

Deno.test("every loss has finite curves", async () => {
  const isFinite = async (loss: Loss) => {
    const { x, losses, weights, start } = await lossCurves(loss);
    const lists = [x, start, ...[...losses, ...weights].map(({ y }) => y)];
    return lists.flat().every(Number.isFinite);
  };
  for (const loss of LOSSES) ok(await isFinite(loss), loss.id);
});
