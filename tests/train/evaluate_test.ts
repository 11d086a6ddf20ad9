import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { evaluate, lossBatches } from "lib/train/loop.ts";
import { findLoss } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";
import { randomExamples } from "../random_examples.ts";
import { stepOptions, withTrainer } from "./random_trainer.ts";

for (const loss of [findLoss("dpo"), findLoss("kto")]) {
  Deno.test(`evaluate() does not weigh examples by their batch: ${loss.id}`, () =>
    withTrainer({ loss }, async (trainer) => {
      const examples = randomExamples(loss, 11);
      const options = stepOptions(loss);
      const whole = await trainer.evaluate(examples, options);
      const found = await evaluate(trainer, examples, { ...options, batch: 4 });
      strictEqual(trainer.step, 0);
      const own = Object.entries(whole.metrics)
        .filter(([name]) => /^(logps|rewards)\//.test(name));
      strictEqual(own.length, loss.id === "dpo" ? 6 : 5);
      for (const [name, value] of own) {
        assertClose([found[name]!], [value], { tolerance: 1e-5, what: name });
      }
      // Where examples are not coupled, the loss is the same as well.
      if (loss.id === "dpo") assertClose([found["loss"]!], [whole.loss]);
    }));
}

Deno.test("evaluate() averages statistics over batches by their examples", () => {
  const loss = findLoss("kto");
  return withTrainer({ loss }, async (trainer) => {
    const examples = randomExamples(loss, 5);
    const options = stepOptions(loss);
    const parts = lossBatches(examples, 2, loss);
    deepStrictEqual(parts.map(({ length }) => length), [2, 3]);
    let expected = 0;
    for (const part of parts) {
      const { metrics } = await trainer.evaluate(part, options);
      expected += metrics["klRaw"]! * part.length / examples.length;
    }
    const found = await evaluate(trainer, examples, { ...options, batch: 2 });
    assertClose([found["klRaw"]!], [expected]);
  });
});
