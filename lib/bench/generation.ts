import { createGenerator } from "../models/generate/generate.ts";
import { createState } from "../onnx/state.ts";
import { peakMemory } from "../record/environment.ts";
import { Rng } from "../rng.ts";
import { openPolicy } from "../run/models.ts";

/** One process that continues prompts, sampling from the whole vocabulary. */
export interface GenerationJob {
  readonly model: string;
  readonly prompts: readonly (readonly number[])[];
  /** Tokens after each prompt: none ends early. */
  readonly tokens: number;
  readonly threads: number;
}

/** The speed of a process that generates. */
export interface GenerationTimes {
  readonly load: number;
  readonly tokensPerSecond: number;
  readonly peakMemoryBytes: number;
}

/** Generates in this process, after one token of each prompt to warm up. */
export async function timeGeneration(
  { model, prompts, tokens, threads }: GenerationJob,
): Promise<GenerationTimes> {
  const { policy } = await openPolicy(model);
  const generator = await createGenerator(policy, { threads });
  const state = await createState([policy.trained], "cpu");
  await state.write(policy.initial);
  const rng = new Rng("bench");
  const generate = (maxNewTokens: number) =>
    generator.generate(prompts, {
      ...{ parameters: state.tensors, maxNewTokens, stopIds: [] },
      stream: (label) => rng.split(label),
    });
  await generate(1);
  const start = performance.now();
  const completions = await generate(tokens);
  const seconds = (performance.now() - start) / 1000;
  await generator.release();
  await state.release();
  const drawn = completions.flat().reduce(
    (sum, { ids }) => sum + ids.length,
    0,
  );
  return {
    load: start / 1000,
    tokensPerSecond: drawn / seconds,
    peakMemoryBytes: peakMemory(),
  };
}
