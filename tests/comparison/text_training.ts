import { join } from "node:path";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { baseSize, writeByteTokenizer } from "../data/byte_tokenizer.ts";
import { putJson, tensorsFor, TINY } from "../models/tiny_model.ts";
import {
  randomized,
  type TinyTraining,
  tinyTraining,
} from "../scripts/tiny_training.ts";

/** A folder like that of a tiny training, whose model reads text. */
export interface TextTraining extends TinyTraining {
  /** Questions with answers to choose from. */
  readonly questions: string;
}

/** Twelve pairs and questions of text. */
export async function textTraining(): Promise<TextTraining> {
  const t = await tinyTraining();
  await putJson(join(t.model, "config.json"), {
    ...{ ...TINY, "vocab_size": baseSize, "max_position_embeddings": 64 },
  });
  const tensors = randomized(await tensorsFor(t.model));
  await writeSafetensors(join(t.model, "model.safetensors"), tensors);
  await writeByteTokenizer(t.model);
  const numbers = Array.from({ length: 12 }, (_, i) => i);
  await putLines(
    t.pairs,
    numbers.map((i) => ({
      ...{ prompt: `Q${i}?`, chosen: `yes ${i}`, rejected: `no ${i}` },
    })),
  );
  const questions = join(t.path, "questions.jsonl");
  await putLines(
    questions,
    numbers.map((i) => ({
      ...{ prompt: `Q${i}?`, choices: ["yes", "no", "so"], answer: i % 3 },
    })),
  );
  return { ...t, questions };
}

async function putLines(path: string, rows: readonly object[]): Promise<void> {
  const lines = rows.map((row) => JSON.stringify(row) + "\n");
  await Deno.writeTextFile(path, lines.join(""));
}
