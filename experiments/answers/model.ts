import { hashExamples } from "lib/data/example.ts";
import type { Outcome } from "lib/experiment/records.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { fullPolicy, type Policy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import type { PolicyInMemory } from "lib/run/inputs.ts";
import { measuredAt } from "lib/run/measures.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import type { ForwardPass } from "lib/train/forward_pass.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import {
  hashWeights,
  randomWeights,
  type Weights,
} from "../reviews/reference_model.ts";
import type { AnswersSettings } from "./settings.ts";
import { ANSWERS, END, PROMPT, sampleAnswer, VOCABULARY } from "./world.ts";

/** π_ref: a decoder trained on the grammar's answers. */
export interface Start
  extends Pick<Outcome, "rows" | "objective" | "timings" | "peakMemoryBytes"> {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

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

/** Trains π_ref on answers of the grammar. */
export async function trainReference(
  { referenceModel }: Pick<AnswersSettings, "referenceModel">,
  { draw, device }: { draw: number; device: Device },
): Promise<Start> {
  const { batch, steps, learningRate, warmup } = referenceModel;
  const rng = new Rng(draw).split("micro");
  const config = configOf(referenceModel);
  const initial = randomWeights(config, rng.split("weights"));
  const answers = rng.split("answers");
  const examples = Array.from(
    { length: batch * steps },
    () => sampleAnswer(answers),
  );
  const settings: GivenSettings = {
    ...{ model: SOURCE, data: DATA, loss: "sft", tuning: { kind: "full" } },
    ...{ batch, steps, learningRate, warmup, seed: draw },
    ...{ schedule: "cosine", order: "sequential", device, threads: 1 },
  };
  let weights: Weights | undefined;
  const finished = await run(settings, {
    inputs: {
      policy: policyOf({ config, weights: initial }),
      data: {
        ...{ kind: "ranks", examples },
        description: {
          ...{
            role: "train",
            source: DATA,
            sha256: hashExamples({ examples }),
          },
          counts: {
            rows: examples.length,
            ...{ truncated: 0, dropped: 0, boundaryShifted: 0 },
          },
        },
      },
    },
    measuring: measuredAt([steps], {
      start: {},
      measure: () => Promise.resolve({}),
    }),
    onTrained: async (trainer) => {
      weights = (await trainer.save()).tensors.get("parameter")!;
    },
  });
  const { rows, record: { objective, timings, peakMemoryBytes } } = finished!;
  return {
    config,
    weights: weights!,
    rows,
    objective,
    timings,
    peakMemoryBytes,
  };
}

const SOURCE = "the decoder of settings.referenceModel";
const DATA = "answers of the grammar";

/** A decoder as the policy that a run starts from. */
export function policyOf(
  model: Pick<Start, "config" | "weights">,
): PolicyInMemory {
  return {
    policy: fullPolicy(model.config, model.weights),
    source: SOURCE,
    weights: hashWeights(model),
    tokenizer: sha256(canonicalJson(VOCABULARY)),
    called: "the reference model",
  };
}

/** The values that a policy begins with. */
export function initialTensors({ trained, initial }: Policy): Tensors {
  return tensorsOf(trained, initial);
}

function configOf(
  { hiddenSize, intermediateSize, layers, heads }:
    AnswersSettings["referenceModel"],
): DecoderConfig {
  return {
    ...{ vocabSize: VOCABULARY.length, hiddenSize, intermediateSize, layers },
    ...{ heads, kvHeads: heads, headDim: hiddenSize / heads },
    ...{ normEpsilon: 1e-5, rope: { theta: 100, scaling: null } },
    ...{ maxPositions: 8, tiedHead: false, bosId: END, eosIds: [END] },
  };
}
