import { type Draw, putSeeded } from "./seeded_weights.ts";
import { fixture } from "../places.ts";
import { putJson } from "./tiny_model.ts";

/** A file of fixtures/architectures.py, which documents its parts. */
export interface Fixture extends Outcome {
  readonly config: Readonly<Record<string, unknown>>;
  readonly saved: Readonly<Record<string, unknown>>;
  readonly pairs: readonly Pair[];
  readonly greedy: readonly Record<"prompt" | "ids", readonly number[]>[];
  readonly lora: Outcome & {
    readonly config: Readonly<Record<string, unknown>>;
  };
}

/** Lists of numbers are texts, with spaces between them. */
export interface Outcome {
  readonly weights: Readonly<Record<string, Draw>>;
  readonly logits: readonly string[];
  readonly logProbs: string;
  readonly loss: number;
  readonly gradient: Readonly<Record<string, string>>;
}

interface Pair {
  readonly prompt: readonly number[];
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  readonly reference: readonly number[];
}

const FOLDER = fixture("architectures");

/** The fixtures by name. */
export const ARCHITECTURES: ReadonlyMap<string, Fixture> = new Map(
  Array.from(Deno.readDirSync(FOLDER), ({ name }) => [
    name.replace(/\.json$/, ""),
    JSON.parse(Deno.readTextFileSync(`${FOLDER}/${name}`)),
  ]),
);

/** Writes a fixture's model folder, and its adapter inside. */
export async function putArchitecture(
  folder: string,
  { config, weights, lora }: Fixture,
): Promise<void> {
  await Deno.mkdir(adapterIn(folder), { recursive: true });
  await putJson(`${folder}/config.json`, config);
  await putSeeded(`${folder}/model.safetensors`, weights);
  await putJson(`${adapterIn(folder)}/adapter_config.json`, lora.config);
  await putSeeded(
    `${adapterIn(folder)}/adapter_model.safetensors`,
    lora.weights,
  );
}

/** Where {@linkcode putArchitecture} puts the adapter. */
export function adapterIn(folder: string): string {
  return `${folder}/adapter`;
}

/** Prompts with what was chosen and what was rejected. */
export function rowsOf({ pairs }: Pick<Fixture, "pairs">) {
  return pairs.map(({ prompt, chosen, rejected }) => ({
    prompt,
    completions: [chosen, rejected],
  }));
}
