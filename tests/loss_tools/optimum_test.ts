import { ok, strictEqual } from "node:assert/strict";
import { optimum, type Population } from "lib/loss_tools/optimum.ts";
import { pairLoss } from "lib/losses/loss.ts";
import type { LossOptionValues } from "lib/losses/options.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { sub } from "lib/ops/elementwise.ts";
import { logRatio, negLogSigmoid } from "lib/losses/sequences.ts";
import { assertClose } from "../assert_close.ts";

const REWARDS = [-2, -0.5, 0.3, 1, 2.5];
const REFERENCE = [0.1, 0.3, 0.25, 0.3, 0.05];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Bradley–Terry with a share of flipped labels. */
const world = (flip = 0): Population => ({
  answers: REFERENCE.map((probability) => ({ probability })),
  preference: (i, j) =>
    flip + (1 - 2 * flip) * sigmoid(REWARDS[i]! - REWARDS[j]!),
});

/** Probability that each answer is preferred to one of π_ref. */
const WINS = REWARDS.map((r) =>
  REWARDS.reduce((sum, s, j) => sum + REFERENCE[j]! * sigmoid(r - s), 0)
);

const normalised = (weights: readonly number[]) => {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
};

/** π_ref exp(f), normalised. */
const tilted = (f: (i: number) => number) =>
  normalised(REFERENCE.map((p, i) => p * Math.exp(f(i))));

async function policy(
  id: string,
  options: LossOptionValues = {},
  population = world(),
) {
  const found = await optimum(findLoss(id), population, options);
  ok(found.kind !== "none", found.kind === "none" ? found.why : "");
  return { ...found, probabilities: found.logProbs.map(Math.exp) };
}

async function reason(id: string) {
  const found = await optimum(findLoss(id), world());
  return found.kind === "none" ? found.why : found.kind;
}

const CLOSED: Record<string, [string, LossOptionValues, number[]]> = {
  "DPO's is π_ref exp(r/β)": [
    "dpo",
    { beta: 0.7 },
    tilted((i) => REWARDS[i]! / 0.7),
  ],
  "IPO's is π_ref exp(w/τ)": [
    "ipo",
    { beta: 0.25 },
    tilted((i) => WINS[i]! / 0.25),
  ],
  "SFT's is 2 w π_ref": [
    "sft",
    {},
    REFERENCE.map((p, i) => 2 * WINS[i]! * p),
  ],
  "the pairwise form of KTO's has no reference: exp(r/β)": [
    "kto-pairwise",
    { beta: 0.7 },
    normalised(REWARDS.map((r) => Math.exp(r / 0.7))),
  ],
};

for (const [what, [id, options, expected]] of Object.entries(CLOSED)) {
  Deno.test(`the optimum of a population: ${what}`, async () => {
    const { kind, probabilities } = await policy(id, options);
    strictEqual(kind, "attained");
    assertClose(probabilities, expected, { tolerance: 1e-7 });
  });
}

Deno.test("length-regularized DPO's optimum is π_ref exp((r − αn)/β)", async () => {
  const lengths = [1, 12, 3, 7, 30];
  const { kind, probabilities } = await policy(
    "r-dpo",
    { beta: 0.7, alpha: 0.1 },
    {
      ...world(),
      answers: REFERENCE.map((probability, i) => ({
        probability,
        length: lengths[i]!,
      })),
    },
  );
  strictEqual(kind, "attained");
  assertClose(
    probabilities,
    tilted((i) => (REWARDS[i]! - 0.1 * lengths[i]!) / 0.7),
    { tolerance: 1e-7 },
  );
});

/** x at which an increasing function is 0. */
function root(f: (x: number) => number): number {
  let [low, high] = [-100, 100];
  for (let i = 0; i < 100; i++) {
    const x = (low + high) / 2;
    if (f(x) < 0) low = x;
    else high = x;
  }
  return low;
}

Deno.test("χPO's optimum has u + log u = (r − Z)/β, and is nearer to π_ref than DPO's", async () => {
  const beta = 0.5;
  const ratio = (r: number, z: number) =>
    Math.exp(root((logU) => Math.exp(logU) + logU - (r - z) / beta));
  const at = (z: number) => REFERENCE.map((p, i) => p * ratio(REWARDS[i]!, z));
  const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const expected = at(root((z) => 1 - total(at(z))));
  const { kind, probabilities } = await policy("chi-po", { beta });
  strictEqual(kind, "attained");
  assertClose(probabilities, expected, { tolerance: 1e-6 });
  ok(probabilities[4]! < tilted((i) => REWARDS[i]! / beta)[4]! / 2);
});

Deno.test("SimPER gives one answer alone, that of the most wins beyond losses", async () => {
  // The loss is linear in π: −Σ π_ref (2w − 1) π for answers of one token.
  const gains = REFERENCE.map((p, i) => p * (2 * WINS[i]! - 1));
  const { probabilities } = await policy("simper");
  const best = gains.indexOf(Math.max(...gains));
  ok(probabilities[best]! > 1 - 1e-7, String(probabilities));
});

Deno.test("robust DPO undoes the flips that it is told of", async () => {
  const { probabilities } = await policy(
    "robust",
    { beta: 1, labelSmoothing: 0.2 },
    world(0.2),
  );
  assertClose(probabilities, tilted((i) => REWARDS[i]!), { tolerance: 1e-6 });
});

/** At β ≤ 1 KTO's problem is concave in u = π/π_ref: one multiplier solves it. */
function ktoByMultiplier(beta: number, weight = 1): number[] {
  const gains = WINS.map((w) => Math.max(0, weight * w - (1 - w)));
  const ratioAt = (gain: number, price: number) => {
    let [low, high] = [-100, 100];
    for (let i = 0; i < 200; i++) {
      const x = (low + high) / 2;
      const slope = gain * beta * sigmoid(beta * x) * sigmoid(-beta * x);
      if (slope > price * Math.exp(x)) low = x;
      else high = x;
    }
    return gain > 0 ? Math.exp(low) : 0;
  };
  const at = (price: number) =>
    REFERENCE.map((p, i) => p * ratioAt(gains[i]!, price));
  let [low, high] = [1e-9, 1e3];
  for (let i = 0; i < 200; i++) {
    const price = Math.sqrt(low * high);
    if (at(price).reduce((a, b) => a + b, 0) > 1) low = price;
    else high = price;
  }
  return at(low);
}

for (const beta of [1, 0.1]) {
  Deno.test(`KTO at β ${beta} gives up every answer that loses more often than not`, async () => {
    const { kind, probabilities } = await policy("kto", { beta });
    strictEqual(kind, "limit");
    assertClose(probabilities, ktoByMultiplier(beta), { tolerance: 1e-5 });
  });
}

Deno.test("a smaller weight of desirable answers makes KTO choosier", async () => {
  const { probabilities } = await policy("kto", {
    beta: 0.5,
    desirableWeight: 0.5,
  });
  assertClose(probabilities, ktoByMultiplier(0.5, 0.5), { tolerance: 1e-5 });
});

Deno.test("dropping desirable answers does as much as weighing them less", async () => {
  const kept = { desirable: 0.5, undesirable: 1 };
  const options = { beta: 0.5 };
  const dropped = await policy("kto", options, { ...world(), kept });
  const expected = ktoByMultiplier(0.5, 0.5);
  assertClose(dropped.probabilities, expected, { tolerance: 1e-5 });
  const undone = await policy("kto", { ...options, desirableWeight: 2 }, {
    ...world(),
    kept,
  });
  const all = await policy("kto", options);
  assertClose(undone.probabilities, all.probabilities, { tolerance: 1e-5 });
});

Deno.test("SFT goes where the compared answers are, DPO only by their rewards", async () => {
  const compared = [0.2, 0.2, 0, 0.2, 0.4];
  const population = { ...world(), compared };
  const wins = REWARDS.map((r) =>
    REWARDS.reduce((sum, s, j) => sum + compared[j]! * sigmoid(r - s), 0)
  );
  const sft = await policy("sft", {}, population);
  assertClose(
    sft.probabilities,
    compared.map((p, i) => 2 * wins[i]! * p),
    { tolerance: 1e-6 },
  );
  const everywhere = { ...world(), compared: [0.2, 0.2, 0.1, 0.1, 0.4] };
  const dpo = await policy("dpo", { beta: 0.7 }, everywhere);
  assertClose(dpo.probabilities, tilted((i) => REWARDS[i]! / 0.7), {
    tolerance: 1e-6,
  });
});

Deno.test("flipped labels move DPO's optimum, and not KTO's", async () => {
  const options = { beta: 0.5 };
  const [kto, flippedKto, dpo, flippedDpo] = await Promise.all([
    policy("kto", options),
    policy("kto", options, world(0.4)),
    policy("dpo", options),
    policy("dpo", options, world(0.4)),
  ]);
  assertClose(flippedKto.probabilities, kto.probabilities, { tolerance: 1e-4 });
  ok(dpo.probabilities[4]! - flippedDpo.probabilities[4]! > 0.3);
});

Deno.test("preferences without doubt have no optimum of DPO within reach", async () => {
  const { kind, probabilities } = await policy("dpo", { beta: 1 }, {
    ...world(),
    preference: (i, j) => i === j ? 0.5 : Number(REWARDS[i]! > REWARDS[j]!),
  });
  strictEqual(kind, "limit");
  ok(probabilities[4]! > 1 - 1e-6, String(probabilities));
});

Deno.test("the wrong sign has the optimum of the opposite reward", async () => {
  const wrong = pairLoss({
    id: "wrong-sign",
    title: "Bradley–Terry with its sign turned",
    formula: "−log σ(Δ_l − Δ_w)",
    source: "none",
    options: {},
    terms: ({ chosen, rejected }) => ({
      loss: negLogSigmoid(sub(logRatio(rejected), logRatio(chosen))),
    }),
  });
  const found = await optimum(wrong, world());
  ok(found.kind === "attained");
  assertClose(found.logProbs.map(Math.exp), tilted((i) => -REWARDS[i]!));
});

/** Losses without an optimum here, or with one that no policy has. */
const OTHERWISE: Record<string, readonly string[]> = {
  "limit": ["apo-down", "apo-zero", "apo-zero-unpaired", "kto"],
  "no gradient flows through a part of the loss": [
    ...["alpha-dpo", "gate-cal-dpo", "gate-dpo", "gate-ipo", "wpo"],
  ],
  "statistics of the batch do not settle": ["bco", "bco-unpaired"],
  "the loss couples the examples of a batch": [
    ...["aot", "aot-unpaired", "dr-dpo"],
  ],
  "the loss falls without end": ["orpo-ratio", "unlikelihood"],
  "the loss has corners, where a search by gradients ends": [
    ...["bpo", "dpop", "hinge", "minor-dpo", "slic"],
  ],
  // Its loss falls slowly on labels that are surer than it takes them to be.
  "the search found no minimum": ["robust"],
};

Deno.test("every loss has an optimum by its defaults or says why not", async () => {
  for (const { id } of LOSSES) {
    const [expected = "attained"] = Object.entries(OTHERWISE)
      .find(([, ids]) => ids.includes(id)) ?? [];
    strictEqual(await reason(id), expected, id);
  }
});

Deno.test("a loss that reads no log-probability has no optimum", async () => {
  const flat = pairLoss({
    ...{ id: "flat", title: "Flat", formula: "−log σ(0)", source: "none" },
    options: {},
    terms: ({ rejected }) => ({
      loss: negLogSigmoid(sub(logRatio(rejected), logRatio(rejected))),
    }),
  });
  const found = await optimum(flat, world());
  ok(found.kind === "none" && found.why === "every policy has the same loss");
});
