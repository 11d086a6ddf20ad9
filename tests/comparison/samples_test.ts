import { deepEqual, equal } from "node:assert/strict";
import {
  answerSamples,
  withoutTemplate,
} from "experiments/comparison/samples.ts";

const chat = (question: string) =>
  `system\nBe kind.\nuser\n${question}\nassistant\n`;

Deno.test("prompts are shown without the template that all of them have", () => {
  const asked = ["Is it\nso?", "user", "Is it\ngood?"];
  deepEqual(withoutTemplate(asked.map(chat)), asked);
  deepEqual(withoutTemplate(["One", "Two"]), ["One", "Two"]);
  deepEqual(withoutTemplate([chat("One?")]), [chat("One?")]);
  const equalOnes = [chat("One?"), chat("One?")];
  deepEqual(withoutTemplate(equalOnes), equalOnes);
  deepEqual(withoutTemplate([]), []);
});

Deno.test("a page shows the answers of all methods to a prompt side by side", () => {
  const summary = {
    prompts: [chat("One?"), chat(`${"long ".repeat(80)}end?`)],
    answers: ["before 1", "before 2"],
    methods: [
      { name: "dpo β 0.1", loss: "dpo", answers: ["dpo 1", "dpo 2"] },
      { name: "mine", loss: "mine", answers: ["mine 1", "mine 2"] },
    ],
  };
  const [one, long] = answerSamples(summary);
  equal(one!.name, "One?");
  deepEqual(
    one!.texts.map(({ by, text }) => [by?.name, text]),
    [["before training", "before 1"], ["dpo β 0.1", "dpo 1"], [
      "mine",
      "mine 1",
    ]],
  );
  equal(one!.texts[0]!.by?.color, undefined);
  equal(long!.name, `… ${"long ".repeat(59)}end?`);
});
