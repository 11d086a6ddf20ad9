import { equal, ok, throws } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { Precision } from "lib/onnx/providers.ts";
import { adamW, type Optimizer, OPTIMIZERS } from "lib/optim.ts";
import { ALONE } from "lib/distributed/group.ts";
import {
  estimateMemory,
  fittingEstimate,
  requireStepMemory,
  roomOn,
} from "lib/run/memory_estimate.ts";
import { gigabytes } from "lib/run/memory.ts";
import { completeSettings } from "lib/run/settings.ts";
import type { TrainerOptions } from "lib/train/trainer_options.ts";
import { settingsOf } from "../comparison/settings_of.ts";
import { onEveryRank } from "../distributed/local_groups.ts";
import { randomDecoder, SMALL } from "../models/random_decoder.ts";
import { randomLora } from "../models/random_lora.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import {
  LONG_ROWS,
  pairOf,
  trainerOptions,
  zerosOf,
} from "../train/long_rows.ts";

Deno.test("a run that needs more than is free is refused, with the micro-batch that fits", () => {
  const options = { ...trainerOptions(), microTokens: 4096 };
  const plan = { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] };
  const { train: settings } = settingsOf({ model: "m", data: "d" });
  const needed = (microTokens: number) =>
    estimateMemory({ ...options, microTokens }, plan);
  const require = (free: number) =>
    requireStepMemory(
      { ...needed(4096), room: { free, buffer: Infinity } },
      { options, plan, settings },
    );
  const size = (bytes: number) => `${(bytes / 1e9).toPrecision(2)} GB`;
  const message = (free: number, expected: string) =>
    `Cannot train: the process needs about ${size(needed(4096).more)}, and ${
      size(free)
    } are free; expected ${expected}`;
  require(needed(4096).more);
  const half = needed(2048).more;
  throws(() => require(half), {
    message: message(half, "--micro-tokens 2048 or fewer"),
  });
  throws(() => require(1e6), {
    message: message(
      1e6,
      "shorter rows (--max-length), or --base-weights int8 or int4",
    ),
  });
});

Deno.test("an estimate has parameters with gradients and the optimizer's state", () => {
  const plan = { examples: LONG_ROWS, batches: [[0]] };
  const options = { ...trainerOptions(), optimizer: OPTIMIZERS.sgd };
  const { more } = estimateMemory(options, plan);
  const adam = estimateMemory({ ...options, optimizer: adamW() }, plan);
  const parameters = countParameters(options.policy.trained);
  // A second moment, where SGD has one.
  equal(Math.round(adam.more - more), 4 * parameters);
  const { rss } = Deno.memoryUsage();
  ok(adam.peak > adam.more + rss / 2);
});

Deno.test("layers are computed again where a run would not fit otherwise, and no more than need be", () => {
  const base = trainerOptions();
  const config = { ...base.policy.config, layers: 6 };
  const initial = zerosOf(parameterNames(config));
  const options = { ...base, policy: fullPolicy(config, initial) };
  const plan = { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] };
  const needed = (recomputedLayers: number) =>
    estimateMemory({ ...options, recomputedLayers }, plan).more;
  // As settings are that give none.
  const { recomputeLayers } = completeSettings({
    ...{ model: "m", data: "d", loss: "dpo" },
  });
  const chosen = (free: number, given = recomputeLayers) =>
    fittingEstimate(options, plan, {
      room: { free, buffer: Infinity },
      recomputeLayers: given,
    }).recomputedLayers;
  equal(chosen(needed(0)), 0);
  for (const layers of [2, 5]) {
    equal(chosen(needed(layers)), layers);
    equal(chosen((needed(layers) + needed(layers - 1)) / 2), layers);
  }
  // Where nothing fits, the least.
  equal(chosen(1e6), 5);
  for (const layers of [0, 4]) equal(chosen(1e6, layers), layers);
});

Deno.test("ranks of a machine share its memory, and the files that they map", async () => {
  const options = trainerOptions();
  const plan = { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] };
  const { train: settings } = settingsOf({ model: "m", data: "d" });
  const estimate = { ...estimateMemory(options, plan), mapped: 1e6 };
  const needed = 3 * (estimate.more - 1e6) + 1e6;
  const require = (free: number) => {
    const room = { free, buffer: Infinity, ranks: 3 };
    requireStepMemory({ ...estimate, room }, { options, plan, settings });
  };
  require(needed);
  throws(() => require(needed - 1), {
    message: new RegExp(
      `^Cannot train: the 3 ranks of this machine need about ${
        gigabytes(needed)
      }, and`,
    ),
  });
  const rooms = await onEveryRank(3, (group) => roomOn("cpu", group));
  ok(rooms.every(({ ranks, free }) => ranks === 3 && free === rooms[0]!.free));
  equal((await roomOn("cpu", ALONE)).ranks, 1);
});

Deno.test("sessions of log-probabilities and of evaluation keep memory, too", () => {
  const options = trainerOptions();
  const plan = { examples: LONG_ROWS, batches: [[0]] };
  const { more } = estimateMemory(options, plan);
  const many = { ...plan, evalExamples: LONG_ROWS };
  const evaluated = estimateMemory(options, many).more;
  // Eight rows of 400 tokens, each with logits over 512, in two sessions.
  ok(evaluated - more > 2 * 8 * 300 * 512 * 4, `${evaluated}, ${more}`);
});

Deno.test("log-probabilities take memory beside steps where something reads them between", () => {
  const options = trainerOptions();
  const steps = { examples: LONG_ROWS, batches: [[0], [1], [2], [3]] };
  const bytes = (plan: Partial<Parameters<typeof estimateMemory>[1]>) =>
    Math.round(estimateMemory(options, { ...steps, ...plan }).more);
  const apart = bytes({});
  const beside = bytes({ isMeasured: true });
  ok(beside > apart + 300 * 512 * 4, `${beside}, ${apart}`);
  equal(bytes({ referenceUpdate: { every: 2, mix: 1 } }), beside);
  const evalEvery = { 0: apart, 1: beside, 3: beside, 4: apart };
  for (const [every, expected] of Object.entries(evalEvery)) {
    equal(bytes({ evalEvery: Number(every) }), expected);
  }
});

/** A run that computes on a card. */
type OnCard = { options: TrainerOptions; plan: TrainedOn };
type TrainedOn = { examples: readonly Example[]; batches: number[][] };

/** Full tuning on eight rows. */
function onRows(microTokens: number): OnCard {
  return {
    options: { ...trainerOptions(), device: "cuda", microTokens },
    plan: { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] },
  };
}

/** Adapters of weights that take more than one short row does. */
async function onWeights(
  folder: string,
  precision: Precision,
): Promise<OnCard> {
  const widths = { hiddenSize: 128, intermediateSize: 1024 };
  const decoder = randomDecoder({ ...SMALL, ...widths });
  const { policy } = await randomLora(folder, decoder);
  return {
    options: { ...trainerOptions(), device: "cuda", policy, precision },
    plan: { examples: [pairOf(12)], batches: [[0]] },
  };
}

const needed = ({ options, plan }: OnCard) =>
  estimateMemory(options, plan).more;

Deno.test("a card holds two buffers of what is trained, and nothing of the process", () => {
  const { options, plan } = onRows(400);
  const of = (optimizer: Optimizer) =>
    estimateMemory({ ...options, optimizer }, plan);
  const [sgd, adam] = [of(OPTIMIZERS.sgd), of(adamW())];
  const parameters = countParameters(options.policy.trained);
  // One more moment.
  equal(adam.more - sgd.more, 2 * 4 * parameters);
  equal(adam.peak, adam.more);
});

Deno.test("weights that are not trained take half of a card in 16 bits", async () => {
  using folder = temporaryFolder();
  const [wide, narrow] = [
    needed(await onWeights(folder.path, "float32")),
    needed(await onWeights(folder.path, "bfloat16")),
  ];
  ok(narrow < 0.7 * wide && narrow > 0.4 * wide, `${narrow}, ${wide}`);
});

Deno.test("a run that its card cannot hold is refused, with the setting that fits", async () => {
  const { train: settings } = settingsOf({ model: "m", data: "d" });
  const refused = ({ options, plan }: OnCard, free: number, wanted: string) => {
    const estimate = estimateMemory(options, plan);
    const room = { free, buffer: Infinity };
    throws(
      () =>
        requireStepMemory({ ...estimate, room }, { options, plan, settings }),
      {
        message: `Cannot train: the run needs about ${
          gigabytes(estimate.more)
        } on the card, and ${
          gigabytes(free)
        } are free there; expected ${wanted}`,
      },
    );
  };
  using folder = temporaryFolder();
  const [wide, narrow] = [
    await onWeights(folder.path, "float32"),
    await onWeights(folder.path, "bfloat16"),
  ];
  refused(onRows(3200), needed(onRows(400)), "--micro-tokens 400 or fewer");
  refused(wide, needed(narrow), "--precision bfloat16");
  const shorter = "shorter rows (--max-length), or --base-weights int8 or int4";
  for (const run of [wide, narrow]) refused(run, 1e5, shorter);
});

Deno.test("a tensor larger than a buffer of WebGPU's adapter is refused before the first step", () => {
  const { options, plan } = onRows(3200);
  const { train: settings } = settingsOf({ model: "m", data: "d" });
  const run = {
    ...{ plan, settings },
    options: { ...options, device: "webgpu" as const },
  };
  const estimate = estimateMemory(run.options, plan);
  const require = (buffer: number) =>
    requireStepMemory({ ...estimate, room: { free: Infinity, buffer } }, run);
  require(estimate.largest);
  throws(() => require(estimate.largest - 1), {
    message: `Cannot train: a tensor takes ${gigabytes(estimate.largest)} on ` +
      `webgpu, and a buffer of the adapter holds ${
        gigabytes(estimate.largest - 1)
      }; expected --micro-tokens 1600 or fewer`,
  });
});

Deno.test("the CPU has room, for a tensor of any size", async () => {
  const { free, buffer } = await roomOn("cpu", ALONE);
  ok(free > 1e6 && free < Infinity);
  equal(buffer, Infinity);
});
