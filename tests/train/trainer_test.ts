import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { rowTokens } from "lib/data/tree_batch.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { rowOf } from "lib/train/examples.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { Rng } from "lib/rng.ts";
import type { StepResult, Trainer } from "lib/train/trainer.ts";
import { assertClose } from "../assert_close.ts";
import { randomDecoder, SMALL } from "../models/random_decoder.ts";
import { randomExamples, UNLIKELY } from "../random_examples.ts";
import {
  type Given,
  parametersOf,
  recorder,
  stepOptions,
  type Values,
  valuesOf,
  withTrainer,
} from "./random_trainer.ts";

const DPO = findLoss("dpo");
const KTO = findLoss("kto");
const COUNT = 7;

for (const id of ["sft", "dpo", "kto", "listwise-dpo", "ld-dpo", "wpo"]) {
  const loss = findLoss(id);
  Deno.test(`evaluate() says what train() starts from, and moves nothing: ${loss.id}`, () =>
    withTrainer({ loss }, async (trainer, { initial }) => {
      const examples = randomExamples(loss, COUNT);
      const evaluated = await trainer.evaluate(examples, stepOptions(loss));
      strictEqual(trainer.step, 0);
      deepStrictEqual(await parametersOf(trainer), initial);
      const { gradNorm, metrics, ...trained } = await trainer.train(
        examples,
        stepOptions(loss),
      );
      const withoutWeights = Object.fromEntries(
        Object.entries(metrics).filter(([name]) => !/^weights/.test(name)),
      );
      deepStrictEqual(evaluated, { ...trained, metrics: withoutWeights });
      strictEqual(evaluated.examples, COUNT);
      const tokens = examples.map((each) => rowTokens(rowOf(each, loss)));
      strictEqual(evaluated.tokens, tokens.reduce((a, b) => a + b));
      ok(gradNorm > 0);
      strictEqual(trainer.step, 1);
    }));
}

Deno.test("a loss that samples draws anew in each step, and alike in evaluations", () => {
  const loss = findLoss("sampo");
  return withTrainer({ loss }, async (trainer) => {
    const examples = randomExamples(loss, COUNT);
    const options = { ...stepOptions(loss), learningRate: 0 };
    const [first, second] = [
      await trainer.train(examples, options),
      await trainer.train(examples, options),
    ];
    notStrictEqual(first.loss, second.loss);
    const evaluated = await trainer.evaluate(examples, options);
    strictEqual(evaluated.loss, first.loss);
    const snapshot = await trainer.save();
    const third = await trainer.train(examples, options);
    await trainer.restore(snapshot);
    strictEqual((await trainer.train(examples, options)).loss, third.loss);
  });
});

Deno.test("score() gives the log-probabilities that a batch has", () =>
  withTrainer({ loss: DPO, microTokens: 30 }, async (trainer) => {
    const examples = randomExamples(DPO, COUNT);
    const { logProbs } = await trainer.evaluate(examples, stepOptions(DPO));
    deepStrictEqual(await trainer.logProbs(examples), logProbs);
  }));

Deno.test("a step's numbers of the loss need not be those compiled with", async () => {
  const evaluate = (compiled: Given) =>
    withTrainer(
      { loss: DPO, lossOptions: resolveOptions(DPO, compiled) },
      (trainer) =>
        trainer.evaluate(
          randomExamples(DPO, COUNT),
          stepOptions(DPO, { beta: 0.7 }),
        ),
    );
  deepStrictEqual(await evaluate({ beta: 2 }), await evaluate({ beta: 0.7 }));
});

for (const [klPairing, neighbour] of [["next", 1], ["previous", -1]] as const) {
  Deno.test(`KTO's reference point is of each prompt with its ${klPairing} completion`, () =>
    withTrainer({ loss: KTO }, async (trainer) => {
      const examples = randomExamples(KTO, COUNT);
      let klRaw = 0;
      for (const [i, { prompt }] of examples.entries()) {
        const { completions } = examples.at((i + neighbour) % COUNT)!;
        const row = { prompt, completions };
        const [[logProb]] = await trainer.logProbs([row]) as [[number]];
        klRaw += (logProb - UNLIKELY.logProbs(row)[0]!) / COUNT;
      }
      ok(klRaw > 0);
      const options = stepOptions(KTO, { klPairing });
      const { metrics } = await trainer.evaluate(examples, options);
      assertClose([metrics["klRaw"]!, metrics["kl"]!], [klRaw, klRaw]);
    }));
}

Deno.test("KTO needs an optimizer batch of two", () =>
  withTrainer(
    { loss: KTO },
    (trainer) =>
      rejects(trainer.train(randomExamples(KTO, 1), stepOptions(KTO)), {
        name: "RangeError",
        message: "Cannot estimate the reference point of KTO from a batch of " +
          "1: expected at least 2 examples",
      }),
  ));

Deno.test("a step clips the gradient by its norm, and decays matrices alone", () =>
  withTrainer({ loss: DPO, optimizer: recorder }, async (trainer, policy) => {
    const examples = randomExamples(DPO, COUNT);
    const options = { ...stepOptions(DPO), weightDecay: 0.25 };
    const clipped = { ...options, maxGradNorm: 0.5 };
    const { gradNorm } = await trainer.train(examples, clipped);
    const seen = await valuesOf(trainer, "seen");
    const flat = [...seen.values()].flatMap((gradient) => [...gradient]);
    ok(gradNorm > 0.5);
    assertClose([Math.hypot(...flat)], [0.5], { tolerance: 1e-5 });
    const decay = await valuesOf(trainer, "decay");
    for (const { name, shape } of policy.trained) {
      const expected = shape.length > 1 ? 0.25 : 0;
      ok(decay.get(name)!.every((x) => x === expected), name);
    }
    await trainer.restart(policy.initial);
    await trainer.train(examples, { ...options, maxGradNorm: 0 });
    const whole = await valuesOf(trainer, "seen");
    const norm = Math.hypot(...[...whole.values()].flatMap((x) => [...x]));
    assertClose([norm], [gradNorm], { tolerance: 1e-5 });
  }));

Deno.test("the gradient weight is the slope of the loss by log-probabilities", () =>
  withTrainer({ loss: DPO }, async (trainer) => {
    const examples = randomExamples(DPO, COUNT);
    const { logProbs, metrics } = await trainer.train(
      examples,
      stepOptions(DPO),
    );
    const slopes = examples.map((example, i) => {
      const [w, l] = logProbs[i]!.map((x, k) =>
        x - UNLIKELY.logProbs(example)[k]!
      );
      return 0.1 / (1 + Math.exp(0.1 * (w! - l!)));
    });
    const expected = slopes.reduce((a, b) => a + b) / COUNT;
    assertClose([metrics["weights/chosen"]!], [expected], { tolerance: 1e-5 });
    assertClose([metrics["weights/rejected"]!], [expected], {
      tolerance: 1e-5,
    });
  }));

Deno.test("BCO's shift is carried by training, snapshots and restarts, not by evaluation", () => {
  const loss = findLoss("bco");
  const examples = randomExamples(loss, COUNT);
  const options = stepOptions(loss);
  return withTrainer({ loss }, async (trainer, { initial }) => {
    deepStrictEqual((await trainer.save()).carried, { mean: 0, count: 0 });
    const first = await trainer.train(examples, options);
    const snapshot = await trainer.save();
    strictEqual(snapshot.carried["count"], 2 * COUNT);
    strictEqual(snapshot.carried["mean"], first.metrics["delta"]);
    const evaluated = await trainer.evaluate(examples, options);
    strictEqual(evaluated.metrics["delta"], undefined);
    deepStrictEqual((await trainer.save()).carried, snapshot.carried);
    const second = await trainer.train(examples, options);
    await trainer.restore(snapshot);
    deepStrictEqual(await trainer.train(examples, options), second);
    await trainer.restart(initial);
    deepStrictEqual(await trainer.train(examples, options), first);
  });
});

Deno.test("a reference moves by the given share, from where it was", () =>
  withTrainer({ loss: DPO }, async (trainer, { initial }) => {
    const examples = randomExamples(DPO, COUNT);
    const at = async (x: number, y: number, theirs: Values) => {
      const now = await parametersOf(trainer);
      const mixed = new Map([...initial].map(([name, values]) => [
        name,
        values.map((_, i) =>
          x * now.get(name)![i]! + y * theirs.get(name)![i]!
        ),
      ]));
      const { tensors } = await trainer.save();
      return { mixed, moved: tensors.get("reference")! };
    };
    await trainer.train(examples, stepOptions(DPO));
    strictEqual((await trainer.save()).tensors.get("reference"), undefined);
    await trainer.moveReference(0.25);
    const once = await at(0.25, 0.75, initial);
    for (const [name, values] of once.mixed) {
      assertClose(once.moved.get(name)!, [...values], { what: name });
    }
    await trainer.train(examples, stepOptions(DPO));
    await trainer.moveReference(0.25);
    const twice = await at(0.25, 0.75, once.moved);
    for (const [name, values] of twice.mixed) {
      assertClose(twice.moved.get(name)!, [...values], { what: name });
    }
    await trainer.moveReference(1);
    const reference = await trainer.reference.of(examples);
    const scored = await trainer.logProbs(examples);
    for (const [i, example] of examples.entries()) {
      assertClose(reference.logProbs(example), scored[i]!);
    }
    const snapshot = await trainer.save();
    await trainer.restart(initial);
    strictEqual((await trainer.save()).tensors.get("reference"), undefined);
    await trainer.restore(snapshot);
    deepStrictEqual(await trainer.save(), snapshot);
  }));

/** Trains on, `steps` batches from wherever the trainer stands. */
async function trainOn(
  trainer: Trainer,
  steps: number,
): Promise<[StepResult[], Values]> {
  const results: StepResult[] = [];
  const examples = randomExamples(DPO, 20);
  for (let i = 0; i < steps; i++) {
    const at = 3 * (trainer.step % 6);
    const batch = examples.slice(at, at + 3);
    results.push(await trainer.train(batch, stepOptions(DPO)));
  }
  return [results, await parametersOf(trainer)];
}

Deno.test("a restored snapshot trains on bit for bit, in another trainer too", () =>
  withTrainer({ loss: DPO }, async (trainer) => {
    await trainOn(trainer, 2);
    const snapshot = await trainer.save();
    const expected = await trainOn(trainer, 3);
    await trainer.restore(snapshot);
    strictEqual(trainer.step, 2);
    deepStrictEqual(await trainer.save(), snapshot);
    deepStrictEqual(await trainOn(trainer, 3), expected);
    await withTrainer({ loss: DPO }, async (other) => {
      await other.restore(snapshot);
      deepStrictEqual(await trainOn(other, 3), expected);
    });
  }));

Deno.test("a restarted trainer repeats itself bit for bit", () =>
  withTrainer({ loss: DPO }, async (trainer, { initial }) => {
    const expected = await trainOn(trainer, 3);
    await trainer.restart(initial);
    strictEqual(trainer.step, 0);
    deepStrictEqual(await trainOn(trainer, 3), expected);
  }));

Deno.test("graphs that were freed between steps change no bit", () =>
  withTrainer({ loss: DPO }, async (trainer, { initial }) => {
    const rows = randomExamples(DPO, COUNT);
    const [results, values] = await trainOn(trainer, 3);
    const expected = [results, values, await trainer.logProbs(rows)];
    await trainer.restart(initial);
    const found: StepResult[] = [];
    for (let step = 0; step < 3; step++) {
      await trainer.pauseSteps();
      found.push(...(await trainOn(trainer, 1))[0]);
      await trainer.logProbs(rows);
      await trainer.forward.release();
    }
    deepStrictEqual(
      [found, await parametersOf(trainer), await trainer.logProbs(rows)],
      expected,
    );
  }));

for (const broken of [NaN, Infinity]) {
  Deno.test(`a step on a parameter that is ${broken} is refused and changes nothing`, () =>
    withTrainer({ loss: DPO }, async (trainer, { initial }) => {
      const expected = await trainOn(trainer, 1);
      const name = "model.layers.0.mlp.up_proj.weight";
      const weight = initial.get(name)!.with(3, broken);
      await trainer.restart(new Map([...initial, [name, weight]]));
      const before = await trainer.save();
      await rejects(trainOn(trainer, 1), {
        name: "RangeError",
        message: /^Training diverged at step 1: loss NaN, gradient norm NaN;/,
      });
      deepStrictEqual(await trainer.save(), before);
      // Nothing of the failed step is left in the sums either.
      await trainer.restart(initial);
      deepStrictEqual(await trainOn(trainer, 1), expected);
    }));
}

/** So large that threads have something to share. */
const LARGER: DecoderConfig = {
  ...SMALL,
  vocabSize: 300,
  hiddenSize: 64,
  intermediateSize: 160,
  maxPositions: 256,
};

/** Three steps on rows of 150 tokens. */
function trainLarger(threads: number): Promise<[StepResult[], Values]> {
  const { policy } = randomDecoder(LARGER);
  const rng = new Rng("long");
  const ids = () => Array.from({ length: 50 }, () => rng.integer(300));
  const examples = Array.from(
    { length: 4 },
    () => ({ prompt: ids(), completions: [ids(), ids()] }),
  );
  return withTrainer({ loss: DPO, policy, threads }, async (trainer) => {
    const results: StepResult[] = [];
    for (let i = 0; i < 3; i++) {
      results.push(await trainer.train(examples, stepOptions(DPO)));
    }
    return [results, await parametersOf(trainer)];
  });
}

Deno.test("two runs are equal bit for bit, with two threads as with one", async () => {
  const first = await trainLarger(1);
  deepStrictEqual(await trainLarger(1), first);
  deepStrictEqual(await trainLarger(2), first);
});
