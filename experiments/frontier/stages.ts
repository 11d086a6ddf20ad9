import { mean } from "lib/train/metrics.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import type { ExperimentOptions, Watch } from "lib/experiment/experiment.ts";
import { attainableFrontier, type AttainablePoint } from "./attainable.ts";
import type { Bench, ReferenceMeasures, RunOutcome, RunSpec } from "./bench.ts";
import { entropy } from "./grammar.ts";
import type { TrainedReference } from "./records.ts";
import { trainReference } from "./reference_model.ts";
import type { SeedData } from "./seed_data.ts";
import type { FrontierSettings } from "./settings.ts";
import { share } from "lib/experiment/workers.ts";
import { PROMPTS } from "./world.ts";

/** Steps of the reference model's training that one line of metrics tells of. */
const LINE = 100;

/** Trains the reference model. */
export async function teach(
  { referenceModel }: FrontierSettings,
  { device, watch }: Pick<ExperimentOptions, "device" | "watch">,
): Promise<Omit<TrainedReference, "summary">> {
  const startedAt = new Date().toISOString();
  const clock = performance.now();
  const { steps } = referenceModel;
  const shown = watch({ title: "reference model", total: steps });
  const rows: MetricsRow[] = [];
  const losses: number[] = [];
  const model = await trainReference(referenceModel, {
    device,
    onStep: ({ step, loss }) => {
      shown.update(step, { loss: loss! });
      losses.push(loss!);
      if (step % LINE !== 0 && step !== steps) return;
      rows.push({ step, loss: mean(losses.splice(0)) });
    },
  });
  shown.finish();
  const seconds = (performance.now() - clock) / 1000;
  return { model, rows, timings: { startedAt, seconds, phases: {} } };
}

/** What is known before any run. */
export interface Ground {
  readonly reference: TrainedReference["summary"];
  readonly data: ReadonlyMap<number, SeedData>;
}

/** Measures the reference model and draws each seed's pairs from it. */
export async function survey(
  benches: readonly Bench[],
  { settings, watch }: { settings: FrontierSettings; watch: Watch },
): Promise<Ground> {
  const { seeds } = settings;
  const shown = watch({ title: "pairs", total: seeds.length + 1 });
  let done = 0;
  const data = new Map<number, SeedData>();
  const measures: ReferenceMeasures[] = [];
  await share(
    { workers: benches, jobs: [null, ...seeds] },
    async (bench, seed) => {
      if (seed === null) measures.push(await bench.measureReference());
      else data.set(seed, await bench.prepare(seed));
      shown.update(++done);
    },
  );
  shown.finish();
  const { rewards, ...rest } = measures[0]!;
  return {
    data,
    reference: {
      ...rest,
      entropy: worldEntropy(),
      attainable: frontierOf(rewards, settings),
    },
  };
}

/** Does runs; those that share a loss stand together. */
export async function runAll(
  benches: readonly Bench[],
  { specs, data, watch, onRun }: {
    specs: readonly RunSpec[];
    data: ReadonlyMap<number, SeedData>;
    watch: Watch;
    onRun: (spec: RunSpec, outcome: RunOutcome) => Promise<void>;
  },
): Promise<void> {
  const shown = watch({ title: "runs", total: specs.length });
  let done = 0;
  await share({ workers: benches, jobs: specs }, async (bench, spec) => {
    await onRun(spec, await bench.run(spec, data.get(spec.seed)!));
    shown.update(++done);
  });
  shown.finish();
}

/** Every run of the experiment. */
export function specsOf({ methods, seeds }: FrontierSettings): RunSpec[] {
  return methods.flatMap(({ loss, option, values, ...method }) =>
    values.flatMap((value) => {
      const isRate = option === "learningRate";
      const learningRate = isRate ? value : method.learningRate;
      return seeds.map((seed) => ({ loss, option, value, learningRate, seed }));
    })
  );
}

function frontierOf(
  rewards: ReferenceMeasures["rewards"],
  { attainable: { betas, minimumEffectiveSamples } }: FrontierSettings,
): AttainablePoint[] {
  return attainableFrontier(rewards, { betas, minimumEffectiveSamples });
}

/** Mean over prompts, in nats a review. */
function worldEntropy(): number {
  return mean(PROMPTS.map(({ reviews }) => entropy(reviews)));
}
