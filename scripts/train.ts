import { parseFlags } from "lib/flags.ts";
import { findLoss } from "lib/losses/registry.ts";
import { interruption, note, runVerb, say } from "lib/terminal.ts";
import type { Verb } from "lib/verb.ts";
import { lossFlags, lossOptions } from "./loss_flags.ts";
import { trainingDisplay } from "./training_display.ts";
import {
  TRAINING_FLAGS,
  type TrainingFlags,
  trainingSettings,
} from "./training_flags.ts";
import { trainingRun } from "./training_run.ts";

const TRAIN = {
  name: "train",
  summary: "Trains a model on preferences.",
  flags: { ...TRAINING_FLAGS, ...lossFlags() },
  examples: [
    "deno task train --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo --out out/dpo",
    "deno task train --model org/name@main --data org/pairs:train --loss kto --beta 0.3 --out out/kto",
    "deno task train --model ./model --data pairs.jsonl --loss orpo --full --lr 1e-6 --out out/orpo",
  ],
} satisfies Verb;

await runVerb(
  () => parseFlags(TRAIN, Deno.args),
  async ({ values }) => {
    // The losses' own flags are read by name; the others have exact types.
    const flags: TrainingFlags = values;
    const { loss, out, resume } = flags;
    const options = lossOptions(findLoss(loss), values);
    const settings = trainingSettings(flags, options);
    const { hooks, finish } = trainingDisplay();
    using stop = interruption();
    const run = { out, resume, stop, ...hooks };
    const record = await trainingRun(settings, run);
    finish();
    if (record) say(`Wrote ${out}`);
    else note("Stopped; go on with the same command and --resume");
  },
);
