import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  type Loss,
  type Option,
  resolveSettings,
  type Setting,
} from "lib/losses/loss.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { lower } from "lib/onnx/lower.ts";
import { sum } from "lib/ops/shaping.ts";
import { checkGradient } from "../finite_differences.ts";
import { type Batch, lossGraph, runLoss } from "./loss_graph.ts";

type Given = Readonly<Record<string, Setting>>;

Deno.test("findLoss() finds every loss by its id", () => {
  for (const loss of LOSSES) strictEqual(findLoss(loss.id), loss);
});

Deno.test("findLoss() lists the losses there are", () => {
  throws(() => findLoss("dop"), {
    name: "RangeError",
    message: `Unknown loss "dop"; expected one of ${
      LOSSES.map(({ id }) => id).join(", ")
    }`,
  });
});

Deno.test("every file that declares a loss is in the registry under its name", async () => {
  const folder = new URL("../../lib/losses/", import.meta.url);
  const declared: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const exported: object = await import(new URL(name, folder).href);
    if (Object.values(exported).some(isLoss)) declared.push(name);
  }
  deepStrictEqual(
    declared.sort(),
    LOSSES.map(({ id }) => `${id.replaceAll("-", "_")}.ts`).sort(),
  );
});

function isLoss(value: unknown): boolean {
  return typeof value === "object" && value !== null && "terms" in value;
}

Deno.test("every loss cites an address and explains its options", () => {
  for (const { id, formula, source, options } of LOSSES) {
    ok(formula, id);
    ok(source.includes("https://"), id);
    for (const { help } of Object.values(options)) ok(help, id);
  }
});

/** Settings under every combination of the loss's choices and toggles. */
function combinations({ options }: Loss): Given[] {
  return Object.entries(options).reduce<Given[]>(
    (all, [name, option], i) =>
      all.flatMap((given) =>
        valuesOf(option, i).map((value) => ({ ...given, [name]: value }))
      ),
    [{}],
  );
}

/** Every variant, or one number that no other option has. */
function valuesOf(option: Option, i: number): readonly Setting[] {
  if (option.kind === "choice") return option.choices;
  if (option.kind === "toggle") return [false, true];
  const low = option.min ?? option.above ?? 0;
  const high = option.max ?? option.below ?? low + 4;
  return [low + (high - low) * 0.3 / (i + 1)];
}

const ORDINARY: Batch = {
  chosen: [-3.1, -0.7, -12, -5],
  rejected: [-2, -4.4, -9, -5],
  refChosen: [-2.5, -1.3, -12, -6],
  refRejected: [-3, -4, -8.5, -4],
  chosenLength: [3, 1, 7, 4],
  rejectedLength: [2, 5, 8, 1],
  prompt: [-4, 0, -2, -7],
  promptLength: [2, 0, 1, 6],
  desirable: [1, 0, 0, 1],
  statistic: 0.3,
};

/** Certain, nearly certain and hopeless answers; margins up to 10⁴. */
const EXTREMES = product([
  [0, -1e-9, -1, -1e3, -1e4],
  [0, -1e-9, -1, -1e3, -1e4],
  [0, -1e-9, -1e3, -1e4],
  [0, -1e-9, -1e3, -1e4],
  [1, 50],
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
const EXTREME_LABELS = [[1], [0], [0, 1, 1]].flatMap((labels) =>
  [0, 1e3].map((statistic) => ({
    ...EXTREME,
    desirable: EXTREMES.map((_, i) => labels[i % labels.length]!),
    statistic,
  }))
);

function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>(
    (rows, list) => rows.flatMap((row) => list.map((x) => [...row, x])),
    [[]],
  );
}

async function checkFinite(
  loss: Loss,
  batch: Batch,
  settings: Given,
): Promise<void> {
  const { metrics, gradients, ...run } = await runLoss(loss, batch, {
    settings,
  });
  const lists = { loss: run.loss, ...metrics, ...gradients };
  for (const [name, list] of Object.entries(lists)) {
    const at = list.findIndex((x) => !Number.isFinite(x));
    ok(at < 0, `${name} is ${list[at]} for example ${EXTREMES[at]}`);
  }
}

for (const loss of LOSSES) {
  for (const settings of combinations(loss)) {
    const name = `${loss.id} under ${JSON.stringify(settings)}`;

    Deno.test(`the gradient of ${name} matches finite differences`, async () => {
      const built = lossGraph(loss, ORDINARY, { settings, float: "float64" });
      await checkGradient(sum(built.loss), built.policy, built.feeds);
    });

    Deno.test(`${name} and its gradient are finite at extremes`, async () => {
      const isLabels = loss.data === "labels";
      for (const batch of isLabels ? EXTREME_LABELS : [EXTREME]) {
        await checkFinite(loss, batch, settings);
      }
    });

    Deno.test(`${name} reads the log-probabilities it says it reads`, () => {
      const built = lossGraph(loss, ORDINARY, { settings });
      const read = lower([built.loss], () => true).graph.inputs
        .map(({ name }) => name);
      const resolved = resolveSettings(loss, settings);
      strictEqual(
        read.some((name) => name.endsWith(".reference")),
        loss.usesReference(resolved),
      );
      strictEqual(
        read.includes("prompt"),
        loss.scoresPrompts?.(resolved) ?? false,
      );
    });
  }
}
