import { chooseLoss } from "lib/loss_tools/choose.ts";
import { parseFlags, peekFlag } from "lib/cli/flags.ts";
import type { Loss } from "lib/losses/loss.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { interruption, note, runVerb, say } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { lossFlags, lossOptions } from "./flags/loss.ts";
import { trainingDisplay } from "./train/display.ts";
import {
  TRAINING_FLAGS,
  type TrainingFlags,
  trainingSettings,
} from "./flags/training.ts";
import { run } from "lib/run/run.ts";

/** The verb with the options of these losses. */
const trainWith = (losses: readonly Loss[]) => ({
  name: "train",
  summary: "Trains a model on preferences.",
  flags: { ...lossFlags(losses, TRAINING_FLAGS), ...TRAINING_FLAGS },
  examples: [
    "deno task train --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo --out out/dpo",
    "deno task train --model org/name@main --data org/pairs:train --loss kto --beta 0.3 --out out/kto",
    "deno task train --model ./model --data pairs.jsonl --loss dpo+0.2*sft --full --out out/sum",
    "deno task train --help simpo",
  ],
} satisfies Verb);

/** Reads the command line, of which the loss decides what else it may have. */
async function parse() {
  const named = peekFlag("loss", Deno.args);
  const chosen = named === undefined ? undefined : await chooseLoss(named);
  const own = chosen ? [chosen.loss] : [];
  const asksHelp = Deno.args.some((arg) => ["--help", "-h"].includes(arg));
  // Any loss's option is understood, so that a wrong one is called by name.
  const losses = asksHelp ? own : [...LOSSES, ...own];
  const args = parseFlags(trainWith(losses), Deno.args);
  return args.help === undefined ? { ...args, chosen: chosen! } : args;
}

await runVerb(parse, async ({ values, chosen }) => {
  // The losses' own flags are read by name; the others have exact types.
  const flags: TrainingFlags = values;
  const { out, resume } = flags;
  const { loss } = chosen;
  const settings = trainingSettings(
    flags,
    lossOptions(loss, values, Object.keys(lossFlags([...LOSSES, loss]))),
  );
  const { hooks, finish } = trainingDisplay();
  using stop = interruption();
  const options = { out, resume, stop, inputs: { loss: chosen }, ...hooks };
  const finished = await run(settings, options);
  finish(finished?.record);
  if (finished) say(`Wrote ${out}`);
  else note("Stopped; go on with the same command and --resume");
});
