import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import { type GridPoint, lossOptionsAt } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { optimum, type Population } from "lib/loss_tools/optimum.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import { measuredAt } from "lib/run/measures.ts";
import { run } from "lib/run/run.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import type { ForwardPass } from "lib/train/forward_pass.ts";
import { referenceOf } from "lib/train/reference.ts";
import { type Bench, Benches } from "../answers/bench.ts";
import {
  decoderPolicy,
  sourceOf,
  type Start,
  trainDecoder,
} from "../answers/decoder.ts";
import { populationLoss } from "../answers/objective.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { populationOf, PROMPT, samplePairs } from "../answers/world.ts";
import {
  ANSWERS,
  chosenOf,
  labelRewards,
  measure,
  sampleAnswer,
  tokenLogProbs,
  VOCABULARY,
} from "./world.ts";

export const { url } = import.meta;

const TOKENIZER = sha256(canonicalJson(VOCABULARY));
const ALL = { prompt: PROMPT, completions: ANSWERS.map(({ ids }) => ids) };

type Data = ReturnType<typeof samplePairs>;

/** Runs on pairs of π_ref's answers, labelled by gold and by tokens. */
export function createJobs(
  { settings, device }: JobSetup<AnswersSettings>,
): Promise<JobTable<ExperimentJobs<Start, Data>>> {
  const benches = new Benches<readonly number[]>(device, {
    policyOf: (start) => decoderPolicy(start, TOKENIZER),
    scoreAll,
  });
  return Promise.resolve({
    jobs: {
      start: (draw) => trainReference(settings, { draw, device }),
      exact: () => Promise.resolve(null),
      reference: () => Promise.resolve(null),
      prepare: async ({ draw, seed, level, start }) => {
        const { reference } = await benches.of(draw, start);
        return samplePairs(reference, {
          ...{ count: settings.pairs, all: ANSWERS },
          rng: streamOf({ draw, seed }).split("pairs"),
          rewards: labelRewards(level),
        });
      },
      run: async ({ point, start, data }) =>
        await trainRun(await benches.of(point.draw, start), {
          ...{ settings, point, data, device },
        }),
    },
    release: () => benches.release(),
  });
}

async function scoreAll(forward: ForwardPass, parameters: Tensors) {
  const [logProbs] = await forward.logProbs([ALL], { parameters });
  // Probabilities sum to 1 up to float32's last digits; here they do exactly.
  return logSoftmax(logProbs!);
}

function trainReference(
  { referenceModel }: AnswersSettings,
  { draw, device }: { draw: number; device: Device },
): Promise<Start> {
  const rng = new Rng(draw).split("length");
  const answers = rng.split("answers");
  const { batch, steps } = referenceModel;
  return trainDecoder(referenceModel, {
    examples: Array.from({ length: batch * steps }, () => ({
      ...{ prompt: PROMPT, completions: [sampleAnswer(answers)] },
    })),
    ...{ called: "verdicts and more words", tokenizer: TOKENIZER },
    ...{ vocabSize: VOCABULARY.length, rng: rng.split("weights") },
    ...{ draw, device },
  });
}

function streamOf({ draw, seed }: Pick<GridPoint, "draw" | "seed">): Rng {
  return new Rng(seed).split(`length/${draw}`);
}

interface RunTask {
  readonly settings: AnswersSettings;
  readonly point: GridPoint;
  readonly data: Data;
  readonly device: Device;
}

async function trainRun(
  { policy, reference, trainers, score }: Bench<readonly number[]>,
  { settings, point, data: examples, device }: RunTask,
): Promise<Outcome> {
  const { loss, learningRate, draw, seed, level } = point;
  const answers = populationOf(reference, labelRewards(level), ANSWERS);
  const chosen = chosenOf(reference, level);
  await using population = await populationLoss(point, answers);
  const measured = async (logProbs: readonly number[]) => ({
    ...measure(logProbs, { reference, chosen }),
    populationLoss: await population.at(logProbs),
  });
  const called = `pairs of answers of draw ${draw}, seed ${seed}`;
  const finished = await run({
    ...{ model: policy.source, data: called, loss, tuning: { kind: "full" } },
    ...{ options: lossOptionsAt(point), ...settings.training },
    ...{ learningRate, seed, device, threads: 1 },
  }, {
    inputs: {
      policy,
      data: {
        ...{ kind: "pairs", examples },
        description: sourceOf(examples, called),
      },
      reference: referenceOf([ALL], [tokenLogProbs(reference)]),
      shuffle: (epoch, order) =>
        streamOf(point).split(`order/${epoch}`).shuffle(order),
    },
    measuring: measuredAt(settings.evaluation, {
      start: await measured(reference),
      measure: async (parameters) => measured(await score(parameters)),
    }),
    trainers,
  });
  const { record, rows } = finished!;
  const { objective, seeds, model, timings, peakMemoryBytes } = record;
  const { step: _, ...summary } = record.summary;
  return {
    ...{ rows, objective, seeds, model, timings, peakMemoryBytes },
    data: record.data,
    summary: {
      ...summary,
      optimum: settings.optima
        ? await optimumOf(point, answers, measured)
        : null,
    },
  };
}

/** The measures of the policy that a method's loss itself would choose. */
async function optimumOf(
  point: GridPoint,
  answers: Population,
  measured: (logProbs: readonly number[]) => Promise<Record<string, number>>,
) {
  if (point.loss === "ld-dpo") {
    return {
      ...{ kind: "none" as const, why: "it weighs tokens, not whole answers" },
    };
  }
  const found = await optimum(
    findLoss(point.loss),
    answers,
    lossOptionsAt(point),
  );
  return found.kind === "none"
    ? { ...found }
    : { kind: found.kind, ...await measured(found.logProbs) };
}
