import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { checkGradient, variants } from "lib/loss_tools/check.ts";
import {
  type GivenExample,
  type LossGraphOptions,
  runLoss,
} from "lib/loss_tools/evaluate.ts";
import {
  type BatchStatistics,
  type Loss,
  PEERS,
  type PlainLoss,
} from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss, isLoss, LOSSES } from "lib/losses/registry.ts";
import { checkout } from "../places.ts";
import { type Batch, examplesOf } from "./loss_graph.ts";

Deno.test("findLoss() finds every loss by its id", () => {
  for (const loss of LOSSES) strictEqual(findLoss(loss.id), loss);
});

Deno.test("findLoss() lists the losses there are, and guesses which was meant", () => {
  const cases = {
    "dop": ": did you mean dpo?",
    "ORPO": ": did you mean orpo?",
    "kto_pairwise": ": did you mean kto-pairwise?",
    "exo_pair": ": did you mean exo?",
    "sigmoid": ": did you mean cpo or dpo or f-dpo or ld-dpo?",
    "rpo": ": did you mean dpo+sft?",
    "mpo": ": did you mean 0.8*dpo+0.2*bco+sft?",
    "irpo": ": did you mean dpo+sft --nll-reduction example?",
    "reinforce": ";",
  };
  for (const [id, says] of Object.entries(cases)) {
    throws(() => findLoss(id), {
      name: "RangeError",
      message: `Unknown loss "${id}"${says} expected one of ${
        LOSSES.map(({ id }) => id).join(", ")
      }`,
    });
  }
});

Deno.test("the registry lists every loss of its folder, by name", async () => {
  const inFolder: PlainLoss[] = [];
  for (const { name } of Deno.readDirSync(checkout("lib/losses"))) {
    if (!name.endsWith(".ts")) continue;
    const exported: object = await import(
      import.meta.resolve(`lib/losses/${name}`)
    );
    const losses = Object.values(exported).filter(isLoss);
    const alone = losses.map(({ id }) => `${id.replaceAll("-", "_")}.ts`);
    deepStrictEqual(alone, losses.length > 0 ? [name] : []);
    inFolder.push(...losses);
  }
  inFolder.sort((a, b) => a.id < b.id ? -1 : 1);
  strictEqual(LOSSES.length, inFolder.length);
  for (const [i, loss] of inFolder.entries()) strictEqual(LOSSES[i], loss);
});

Deno.test("every loss cites an address and explains itself and its options", () => {
  for (const { id, formula, derivation, source, options } of LOSSES) {
    ok(formula && derivation?.length, id);
    ok(source.includes("https://"), id);
    for (const { help } of Object.values(options)) ok(help, id);
  }
});

Deno.test("losses with a β of rewards, and with weights of labels, declare them", () => {
  for (const loss of LOSSES) {
    const options = resolveOptions(loss);
    const { beta = 1, desirableWeight } = options;
    strictEqual(loss.rewardScale?.(options) ?? 1, beta, loss.id);
    strictEqual(loss.labelWeights?.(options).desirable, desirableWeight);
  }
});

Deno.test("every preset's options are within their bounds", () => {
  for (const loss of LOSSES) {
    for (const peer of PEERS) {
      const preset = loss.presets?.[peer];
      if (!preset) continue;
      ok(preset.names.length > 0, `${loss.id} under ${peer}`);
      resolveOptions(loss, preset.options);
    }
  }
});

const ORDINARY: Batch = {
  chosen: [-3.1, -0.7, -12, -5],
  rejected: [-2, -4.4, -9, -5.5],
  refChosen: [-2.5, -1.3, -12.2, -6],
  refRejected: [-3, -4, -8.5, -4],
  chosenLength: [3, 1, 7, 4],
  rejectedLength: [2, 5, 8, 1],
  prompt: [-4, -0.5, -2, -7],
  promptLength: [2, 1, 1, 6],
  desirable: [1, 0, 0, 1],
};
/** Beside lists of two, one of three and one of four. */
const LONGER: GivenExample[] = [[-1, -3, -2], [-4, -2, -6, -3]].map((list) => ({
  completions: list.map((logProb, i) => ({
    logProb,
    refLogProb: -2 - i / 3,
    length: 1 + i,
  })),
}));

function ordinary(loss: Loss): GivenExample[] {
  const examples = examplesOf(loss, ORDINARY);
  return loss.data === "ranks" ? [...examples, ...LONGER] : examples;
}

/** Statistics are constants to a loss, whatever they were computed from. */
function constants(
  { statistics }: Loss,
  { number, list }: { number: number; list: readonly number[] },
): Pick<LossGraphOptions, "statistics"> {
  const inputs: [string, BatchStatistics["values"][string]][] = Object
    .entries(statistics?.outputs ?? {})
    .map(([name, what]) => [name, what === "number" ? number : list]);
  return { statistics: Object.fromEntries(inputs) };
}

/** Certain, nearly certain and hopeless answers; margins up to 10⁴. */
const EXTREMES = product([
  [0, -1e-9, -1, -1e3, -1e4],
  [0, -1e-9, -1, -1e3, -1e4],
  [0, -1e-9, -1e3, -1e4],
  [0, -1e-9, -1e3, -1e4],
  [0, 1, 50],
]);
const column = (i: number) => EXTREMES.map((row) => row[i]!);
const EXTREME: Batch = {
  chosen: column(0),
  rejected: column(1),
  refChosen: column(2),
  refRejected: column(3),
  chosenLength: column(4),
  prompt: column(1),
  promptLength: column(4),
};
/** Desirable ones only, undesirable ones only, and a mixture. */
const LABELS = [[1], [0], [0, 1, 1]];

function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>(
    (rows, list) => rows.flatMap((row) => list.map((x) => [...row, x])),
    [[]],
  );
}

async function checkFinite(
  loss: Loss,
  batch: Batch,
  options: LossGraphOptions,
): Promise<void> {
  const examples = examplesOf(loss, batch);
  const run = await runLoss(loss, examples, options);
  const lists = {
    loss: run.losses,
    ...run.metrics,
    "gradient of first": run.gradients.map(([first]) => first!),
    "gradient of last": run.gradients.map((list) => list.at(-1)!),
    "gradient of prompt": run.promptGradients,
  };
  for (const [name, list] of Object.entries(lists)) {
    const at = list.findIndex((x) => !Number.isFinite(x));
    ok(at < 0, `${name} is ${list[at]} for example ${EXTREMES[at]}`);
  }
}

/** The value at the start of training, for β = 0.1 (peers.md 2.8). */
const AT_REFERENCE: Record<string, number> = {
  "dpo": 0.6931,
  "robust": 0.6931,
  "ipo": 25,
  "hinge": 1,
  "kto": 0.5,
  "nca": 1.3863,
  "bco": 1.3863,
  "apo-zero": 1,
  "sppo": 50,
  "discopop": 0.8466,
  "exo": 2.7612,
  "bpo": 0.6931,
  "cal-dpo": 50.6931,
  "chi-po": 0.6931,
  "dpo-shift": 0.6931,
  "minor-dpo": 0.6931,
};

for (const [id, expected] of Object.entries(AT_REFERENCE)) {
  Deno.test(`${id} starts at ${expected} where π is π_ref`, async () => {
    const loss = findLoss(id);
    const { chosen, rejected } = ORDINARY;
    const start = { ...ORDINARY, refChosen: chosen, refRejected: rejected! };
    const options = { lossOptions: { beta: 0.1 }, mismatched: [0, 0] };
    const { losses } = await runLoss(
      loss,
      examplesOf(loss, start),
      loss.statistics?.rows ? options : { lossOptions: { beta: 0.1 } },
    );
    for (const found of losses) {
      ok(Math.abs(found - expected) < 5e-5, `${found}, not ${expected}`);
    }
  });
}

for (const loss of LOSSES) {
  for (const lossOptions of variants(loss)) {
    const name = `${loss.id} under ${JSON.stringify(lossOptions)}`;

    Deno.test(`the gradient of ${name} matches finite differences`, async () => {
      const examples = ordinary(loss);
      const list = examples.map((_, i) => i - 1.7);
      await checkGradient(loss, examples, {
        lossOptions,
        deviation: (i) => Math.sin(i) / 10,
        ...constants(loss, { number: 0.3, list }),
      });
    });

    Deno.test(`${name} and its gradient are finite at extremes`, async () => {
      for (const labels of loss.data === "labels" ? LABELS : [[1]]) {
        const desirable = EXTREMES.map((_, i) => labels[i % labels.length]!);
        const batch = { ...EXTREME, desirable };
        for (const number of loss.statistics ? [0, 1e3, -1e3] : [0]) {
          const list = EXTREMES.map(() => number);
          const given = constants(loss, { number, list });
          await checkFinite(loss, batch, { lossOptions, ...given });
        }
        if (!loss.statistics?.rows) {
          await checkFinite(loss, batch, { lossOptions });
        }
      }
    });
  }
}
