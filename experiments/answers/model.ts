import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import type { PolicyInMemory } from "lib/run/inputs.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import type { ForwardPass } from "lib/train/forward_pass.ts";
import { decoderPolicy, type Start, trainDecoder } from "./decoder.ts";
import type { AnswersSettings } from "./settings.ts";
import { ANSWERS, PROMPT, sampleAnswer, VOCABULARY } from "./world.ts";

/** A row of every answer. */
export const ALL_ANSWERS = {
  prompt: PROMPT,
  completions: ANSWERS.map(({ ids }) => ids),
};

/** log π of every answer, in nats: their probabilities sum to 1. */
export async function scoreAll(
  forward: ForwardPass,
  parameters: Tensors,
): Promise<number[]> {
  const [logProbs] = await forward.logProbs([ALL_ANSWERS], { parameters });
  // They do up to float32's last digits; here they do exactly.
  return logSoftmax(logProbs!);
}

const TOKENIZER = sha256(canonicalJson(VOCABULARY));

/** Trains π_ref on answers of the grammar. */
export function trainReference(
  { referenceModel }: Pick<AnswersSettings, "referenceModel">,
  { draw, device }: { draw: number; device: Device },
): Promise<Start> {
  const rng = new Rng(draw).split("micro");
  const answers = rng.split("answers");
  const { batch, steps } = referenceModel;
  return trainDecoder(referenceModel, {
    examples: Array.from(
      { length: batch * steps },
      () => sampleAnswer(answers),
    ),
    ...{ called: "answers of the grammar", tokenizer: TOKENIZER },
    ...{ vocabSize: VOCABULARY.length, rng: rng.split("weights") },
    ...{ draw, device },
  });
}

/** A decoder as the policy that a run starts from. */
export function policyOf(
  model: Pick<Start, "config" | "weights">,
): PolicyInMemory {
  return decoderPolicy(model, TOKENIZER);
}
