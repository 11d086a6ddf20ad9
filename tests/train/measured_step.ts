import { peakMemory } from "lib/record/environment.ts";
import { stepMemory } from "lib/train/step_memory.ts";
import { Trainer } from "lib/train/trainer.ts";
import { LONG_ROWS, trainerOptions } from "./long_rows.ts";

// Prints a step's bytes as they are estimated, and as a process's own memory
// grows by them once it has taken a step on one short row.

const options = trainerOptions();
const estimated = stepMemory(options, [LONG_ROWS]).results;
const trainer = await Trainer.create(options);
const { lossOptions } = options;
const step = { lossOptions, reference: null, learningRate: 0 };
await trainer.train([{ prompt: [3], completions: [[4, 2], [5, 2]] }], step);
const before = Deno.memoryUsage().rss;
await trainer.train(LONG_ROWS, step);
const measured = peakMemory() - before;
await trainer.release();
const text = JSON.stringify({ estimated, measured });
await Deno.stdout.write(new TextEncoder().encode(text));
