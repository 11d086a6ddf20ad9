import { deepStrictEqual, match } from "node:assert/strict";
import { encodePrompt } from "lib/data/tokenize/prompts.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { createGenerator } from "lib/models/generate/generate.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { openPolicy } from "lib/run/models.ts";
import { assertClose } from "./assert_close.ts";
import { smolLm2Test } from "./smollm2.ts";

smolLm2Test(
  "SmolLM2 gives a text its golden log-probability",
  async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const ids = tokenizer!.encode(
      "The Eiffel Tower is a wrought-iron lattice tower on the Champ de Mars " +
        "in Paris, France. It is named after the engineer Gustave Eiffel, " +
        "whose company designed and built the tower from 1887 to 1889.",
      { addSpecialTokens: false },
    );
    deepStrictEqual(ids.slice(0, 4), [504, 414, 46682, 18669]);
    const { policy } = await openPolicy(folder);
    const forward = new ForwardPass({ policy });
    const rows = [{ prompt: ids.slice(0, 1), completions: [ids.slice(1)] }];
    const [[sum] = []] = await forward.logProbs(rows, { parameters: {} });
    await forward.release();
    // From transformers, in float32.
    assertClose([sum!], [-93.5167], { tolerance: 1e-5, what: "log π" });
  },
);

smolLm2Test("SmolLM2 knows the capital of France", async (folder) => {
  const tokenizer = (await loadTokenizer(folder))!;
  const { policy } = await openPolicy(folder);
  const generator = await createGenerator(policy);
  const question = { content: "What is the capital of France?", location: "" };
  const prompt = encodePrompt(question, tokenizer, {
    chat: true,
    system: undefined,
  });
  const [[answer] = []] = await generator.generate([prompt], {
    parameters: {},
    stream: () => ({ uniform: () => 0 }),
    maxNewTokens: 16,
    temperature: 0,
  });
  await generator.release();
  match(tokenizer.decode(answer!.ids, { skipSpecialTokens: true }), /Paris/);
});
