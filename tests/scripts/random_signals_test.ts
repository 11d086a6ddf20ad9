import { randomSignals } from "./random_signals.ts";

// A verb or another at each: train, pull, push, export, data, evaluate, generate.
Deno.test("verbs that signals end, at random moments, come to the same result when they are repeated", async () => {
  await randomSignals(7, { seed: "suite" });
});
