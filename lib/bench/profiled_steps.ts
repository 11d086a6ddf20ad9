import { type Example, lossLengths } from "../data/example.ts";
import type { Graph } from "../onnx/graph/graph.ts";
import { lower } from "../onnx/lower.ts";
import { hasKernel } from "../onnx/providers.ts";
import { sizesOf } from "../onnx/sizes.ts";
import { prepareRun } from "../run/plan.ts";
import { trainerOptions } from "../run/trainers.ts";
import { ALONE } from "../distributed/group.ts";
import { BatchOutputs } from "../train/batch_outputs.ts";
import { batchTotals, rowOf } from "../train/examples.ts";
import { GradientPass } from "../train/gradient_pass.ts";
import { runInMicroBatches } from "../train/micro_batches.ts";
import { gradientOutputs, type Objective } from "../train/objective.ts";
import { referenceOf } from "../train/reference.ts";
import { TrainedParameters } from "../train/trained_parameters.ts";
import {
  objectiveOf,
  type TrainerOptions,
  withDefaults,
} from "../train/trainer_options.ts";
import { type OperatorTime, operatorTimes } from "./engine_profile.ts";
import { executedFlops, total } from "./executed_flops.ts";
import { type NeededFlops, neededFlops } from "./needed_flops.ts";
import { settingsOf, type TrainingJob } from "./training.ts";

/** The work of the timed steps of a process, and where its time goes. */
export interface ProfiledSteps {
  readonly executed: number;
  readonly needed: NeededFlops;
  /** Nodes of the training graph. */
  readonly nodes: number;
  /** Seconds of the kernels by operator, of a run that onnxruntime profiles. */
  readonly operators: readonly OperatorTime[];
  /** Seconds of that run. */
  readonly seconds: number;
}

/** Counts and profiles the gradients of the steps after the first. */
export async function profileSteps(
  { cache, ...job }: TrainingJob,
): Promise<ProfiledSteps> {
  const prepared = await prepareRun(settingsOf(job, job.steps + 1));
  const { plan } = prepared;
  const steps = plan.batches.slice(1)
    .map((batch) => batch.map((i) => plan.examples[i]!));
  const options = trainerOptions(prepared);
  const { policy, loss } = options;
  const rows = steps.flat().map((example) => rowOf(example, loss));
  const ran = await runSteps(options, { steps, folder: cache });
  return { ...ran, needed: neededFlops(policy, rows) };
}

type Steps = readonly (readonly Example[])[];

/** Runs steps under onnxruntime's profile, and counts their products. */
async function runSteps(
  given: TrainerOptions,
  { steps, folder }: { steps: Steps; folder: string },
): Promise<Omit<ProfiledSteps, "needed">> {
  const options = withDefaults(given);
  const { policy, loss, lossOptions, microTokens } = options;
  const objective = objectiveOf(options);
  const gradients = await GradientPass.compile(objective, {
    ...options,
    profile: `${folder}/profile`,
  });
  const trained = await TrainedParameters.create(policy.trained, options);
  await trained.restart(policy.initial);
  const productsIn = productsOf(objective);
  let executed = 0;
  const start = performance.now();
  for (const examples of steps) {
    await runInMicroBatches(examples, {
      ...{ loss, lossOptions, objective, microTokens, draw: 0 },
      ...{ statistics: {}, totals: batchTotals(examples) },
      reference: zeroReference(examples),
      ...{ group: ALONE, outputs: new BatchOutputs() },
    }, (feeds) => {
      executed += productsIn(feeds);
      return gradients.add(feeds, trained);
    });
  }
  const seconds = (performance.now() - start) / 1000;
  const { nodes } = gradients;
  const profile = await Deno.readTextFile(await gradients.endProfile());
  await gradients.release();
  await trained.release();
  return { executed, nodes, seconds, operators: operatorTimes(profile) };
}

/** Counts the products of a run of an objective, lowered for the CPU. */
export function productsOf(
  objective: Objective,
): (feeds: Parameters<typeof sizesOf>[1]) => number {
  const graph = trainingGraph(objective);
  return (feeds) => total(executedFlops(graph, sizesOf(graph, feeds)));
}

/** The graph of a training step as the CPU runs it. */
export function trainingGraph(objective: Objective): Graph {
  const outputs = Object.values(gradientOutputs(objective));
  return lower(outputs, (op, float) => hasKernel(op, "cpu", { float })).graph;
}

/** A reference that costs nothing: times do not depend on its values. */
function zeroReference(rows: Steps[number]) {
  return referenceOf(
    rows,
    rows.map((row) => lossLengths(row).map(() => 0)),
  );
}
