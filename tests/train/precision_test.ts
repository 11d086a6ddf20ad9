import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { loadExamples } from "lib/data/load.ts";
import { findLoss } from "lib/losses/registry.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { Half, Precision } from "lib/onnx/providers.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { readRecord } from "lib/record/record.ts";
import { logProbError } from "lib/train/forward_pass.ts";
import { compareGradients } from "lib/train/gradient_error.ts";
import { Trainer } from "lib/train/trainer.ts";
import autocast from "../fixtures/autocast.json" with { type: "json" };
import { randomDecoder } from "../models/random_decoder.ts";
import { checkout, shared } from "../places.ts";
import { randomExamples } from "../random_examples.ts";
import {
  parametersOf,
  seenStep,
  stepOptions,
  withTrainer,
} from "./random_trainer.ts";

/** Bounds of a relative error: about a hundred roundings in a row. */
const BOUND: Record<Half, number> = { bfloat16: 2e-2, float16: 3e-3 };

const WAYS = [
  ["full", "orpo", ["bfloat16", "float16"]],
  ["lora", "kto", ["bfloat16"]],
] as const;

for (const [kind, id, halves] of WAYS) {
  Deno.test(`16 bits follow float32 for 20 steps: ${kind} ${id}`, async () => {
    const loss = findLoss(id);
    const examples = randomExamples(loss, 6);
    const trajectory = (precision: Precision) =>
      withTrainer({ loss, kind, precision }, async (trainer) => {
        const rows = [];
        for (let step = 0; step < 20; step++) {
          rows.push(
            await trainer.train(examples, {
              ...stepOptions(loss),
              learningRate: 2e-4,
            }),
          );
        }
        return rows;
      });
    const expected = await trajectory("float32");
    for (const half of halves) {
      const found = await trajectory(half);
      for (const [i, { loss, logProbs }] of expected.entries()) {
        const error = Math.abs(found[i]!.loss / loss - 1);
        ok(error < BOUND[half], `loss of step ${i + 1} in ${half}: ${error}`);
        const wanted = logProbs.flat();
        found[i]!.logProbs.flat().forEach((x, k) => {
          const error = Math.abs(x / wanted[k]! - 1);
          ok(error < BOUND[half], `log π ${k} of step ${i + 1}: ${error}`);
        });
      }
      // Else the precision would not have reached the graph.
      ok(found.some(({ loss }, i) => loss !== expected[i]!.loss));
    }
  });

  Deno.test(`gradients in 16 bits are those of float32: ${kind} ${id}`, async () => {
    const loss = findLoss(id);
    const examples = randomExamples(loss, 6);
    const exact = await seenStep({ loss, kind }, examples);
    for (const half of halves) {
      const way = { loss, kind, precision: half };
      const { gradients } = await seenStep(way, examples);
      const { cosine, relative: error } = compareGradients(
        gradients,
        exact.gradients,
      );
      ok(error < 2 * BOUND[half], `error ${error} in ${half}`);
      ok(1 - cosine < 2 * BOUND[half] ** 2, `cosine ${cosine} in ${half}`);
    }
  });
}

const MODEL = shared("models/stories260K");

Deno.test({
  name:
    "log-probabilities in 16 bits err as torch.autocast's (needs ../shared)",
  ignore: !existsSync(MODEL),
  fn: async () => {
    const rows = shared("golden/trajectories/dpo-full.rows.jsonl");
    const { examples } = await loadExamples(rows, {
      role: "train",
      tokenizer: null,
      vocabularySize: 512,
    });
    const { policy } = await loadPolicy(MODEL, { kind: "full" });
    for (const precision of ["bfloat16", "float16"] as const) {
      const computed = { policy, precision };
      const { tokens, mean } = await logProbError(examples, computed, {
        policy,
      });
      strictEqual(tokens, autocast.tokens);
      const ratio = mean / autocast[precision].mean;
      ok(ratio > 0.8 && ratio < 1.2, `${ratio} times the error of autocast`);
    }
  },
});

/** Largest differences from float32 over the 20 steps, and of a token's log π. */
const RECORDED = {
  bfloat16: { loss: 0.02, gradNorm: 0.04, mean: 0.04 },
  float16: { loss: 0.004, gradNorm: 0.01, mean: 0.006 },
};

for (const half of ["bfloat16", "float16"] as const) {
  Deno.test(`20 steps on SmolLM2-135M in ${half} are near float32's, as recorded`, async () => {
    const folder = (name: string) => checkout(`results/precision/${name}`);
    const record = (name: string) => readRecord(`${folder(name)}/run.json`);
    const rows = (name: string) => readMetrics(`${folder(name)}/metrics.jsonl`);
    const { settings, summary } = await record(half);
    const { settings: exact } = await record("float32");
    deepStrictEqual({ ...settings, precision: "float32" }, exact);
    strictEqual(rows(half).length, 20);
    const bound = RECORDED[half];
    for (const [i, expected] of rows("float32").entries()) {
      const found = rows(half)[i]!;
      for (const name of ["loss", "gradNorm"] as const) {
        const error = Math.abs(found[name]! / expected[name]! - 1);
        ok(error < bound[name], `${name} of step ${i + 1}: ${error}`);
      }
    }
    const { mean } = summary["precisionError"] as Record<string, number>;
    ok(mean! < bound.mean, `${mean}`);
  });
}

Deno.test("a gradient beyond float16 is computed again on half the scale", async () => {
  const loss = findLoss("dpo");
  const examples = randomExamples(loss, 4);
  const from = (scale: number) =>
    withTrainer({ loss, precision: "float16" }, async (trainer) => {
      const start = await trainer.save();
      await trainer.restore({ ...start, lossScale: { scale, steps: 7 } });
      const { metrics, gradNorm } = await trainer.train(
        examples,
        stepOptions(loss),
      );
      const { lossScale } = await trainer.save();
      const parameters = await parametersOf(trainer);
      return { used: metrics["lossScale"]!, lossScale, gradNorm, parameters };
    });
  const large = await from(2 ** 40);
  ok(large.used < 2 ** 40);
  deepStrictEqual(large.lossScale, { scale: large.used, steps: 1 });
  const same = await from(large.used);
  deepStrictEqual(same.lossScale, { scale: large.used, steps: 8 });
  deepStrictEqual(same.parameters, large.parameters);
  strictEqual(same.gradNorm, large.gradNorm);
  const half = await from(large.used / 2);
  ok(Math.abs(half.gradNorm / large.gradNorm - 1) < 1e-3);
});

Deno.test("a run that begins anew has the first scale again", async () => {
  const loss = findLoss("dpo");
  await withTrainer({ loss, precision: "float16" }, async (trainer, policy) => {
    const start = await trainer.save();
    const lossScale = { scale: 2, steps: 7 };
    await trainer.restore({ ...start, lossScale });
    deepStrictEqual((await trainer.save()).lossScale, lossScale);
    await trainer.restart(policy.initial);
    deepStrictEqual((await trainer.save()).lossScale, start.lossScale);
  });
});

Deno.test("only float16 has a scale", async () => {
  const loss = findLoss("dpo");
  await withTrainer({ loss, precision: "bfloat16" }, async (trainer) => {
    const { metrics } = await trainer.train(
      randomExamples(loss, 4),
      stepOptions(loss),
    );
    strictEqual(metrics["lossScale"], undefined);
    ok(!("lossScale" in await trainer.save()));
  });
});

Deno.test("log-probabilities beyond float16 end training, with a word on bfloat16", async () => {
  const loss = findLoss("dpo");
  const { config, policy: { initial } } = randomDecoder();
  const large = new Map(
    [...initial].map(([name, data]) => [
      name,
      name === "lm_head.weight" ? data.map((x) => 1e6 * x) : data,
    ]),
  );
  const lossOptions = resolveOptions(loss);
  const trainer = await Trainer.create({
    policy: fullPolicy(config, large),
    precision: "float16",
    ...{ loss, lossOptions },
  });
  await rejects(
    trainer.train(randomExamples(loss, 4), stepOptions(loss)),
    /diverged at step 1: loss NaN.*with bfloat16, whose range is wider/,
  );
  await trainer.release();
});

Deno.test("gradients are compared by their angle and by their difference", () => {
  const values = (...lists: number[][]) =>
    new Map(lists.map((list, i) => [`${i}`, Float32Array.from(list)]));
  const exact = values([3], [0, 4]);
  deepStrictEqual(compareGradients(values([6], [0, 8]), exact), {
    cosine: 1,
    relative: 1,
  });
  deepStrictEqual(compareGradients(values([3], [0, 0]), exact), {
    cosine: 0.6,
    relative: 0.8,
  });
});
