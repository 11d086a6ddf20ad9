import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import type { EncodedPair } from "lib/data/tokenizer/around.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { exists, namesIn } from "lib/files/missing.ts";
import { parseJson, readText } from "lib/files/read_json.ts";
import { realFile } from "lib/files/real_file.ts";
import { reasonOf } from "lib/files/values.ts";
import { type ModelFile, openModelFile } from "lib/onnx/model_file.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { checkJson } from "lib/record/check_json.ts";
import { sha256, sha256File } from "lib/record/sha256.ts";
import type { Judge, JudgedAnswer, Scores } from "./judge.ts";

/** The inputs that a graph may have, and how a row of ids fills them. */
const INPUTS: Readonly<
  Record<string, (row: EncodedPair) => readonly number[]>
> = {
  "input_ids": ({ ids }) => ids,
  "attention_mask": ({ ids }) => ids.map(() => 1),
  "token_type_ids": ({ segments }) => segments,
};

const OUTPUT = "logits";

/**
 * A judge that is a sequence classifier in ONNX: a folder with `tokenizer.json`,
 * `config.json`, and `model.onnx` or `onnx/model.onnx`; or that file itself.
 * Only the graph is run, on CPU.
 *
 * The score is the logit of a graph with one; with two it is the logit of label
 * 1 less that of label 0, the log-odds of label 1. Prompt and answer are a
 * conversation in the model's own chat template, or, without one, a pair of
 * texts, in which special tokens stay text. Where they are longer than the
 * model takes, the prompt loses its start.
 */
export class RewardModel implements Judge {
  private constructor(
    readonly place: string,
    private readonly model: ModelFile,
    private readonly tokenizer: Tokenizer,
    private readonly config: Config,
    /** SHA-256 of its files. */
    readonly hash: string,
  ) {}

  /** @throws Error that says what is missing, or why it is no such model. */
  static async open(
    place: string,
    options: { readonly threads?: number } = {},
  ): Promise<RewardModel> {
    try {
      const { folder, file } = await filesAt(place);
      const tokenizer = await loadTokenizer(folder);
      if (!tokenizer) throw new Error(`expected ${folder}/tokenizer.json`);
      const config = await readConfig(folder);
      const hash = await hashOf({ file, tokenizer, config });
      const model = checked(openModelFile(file, options));
      const judge = new RewardModel(place, model, tokenizer, config, hash);
      // Its logits show only when it runs.
      await judge.score([{ prompt: "?", answer: "!" }]);
      return judge;
    } catch (cause) {
      throw new Error(
        `Cannot use the reward model ${place}: ${reasonOf(cause)}`,
        { cause },
      );
    }
  }

  async score(answers: readonly JudgedAnswer[]): Promise<Scores> {
    const scores: number[] = [];
    let cut = 0;
    for (const answer of answers) {
      const row = encode(answer, this.tokenizer, this.config);
      const feeds = this.model.inputs.map((name) =>
        [name, INPUTS[name]!(row)] as const
      );
      // One by one, so that no score depends on padding.
      const logits = await this.model.run(Object.fromEntries(feeds), OUTPUT);
      scores.push(rewardOf(logits, this.config));
      if (row.isCut) cut++;
    }
    return { scores, cut };
  }

  release(): Promise<void> {
    return this.model.release();
  }
}

/** The graph's file, and the folder that has tokenizer and configuration. */
async function filesAt(
  place: string,
): Promise<{ folder: string; file: string }> {
  const { isFile } = await Deno.stat(place);
  const files = isFile
    ? [place]
    : ["model.onnx", "onnx/model.onnx"].map((name) => join(place, name));
  const folders = isFile
    ? [dirname(place), join(dirname(place), "..")]
    : [place];
  const [file] = await existing(files);
  if (file === undefined) throw new Error(`expected ${files.join(" or ")}`);
  const [folder] = await existing(folders, "tokenizer.json");
  if (folder === undefined) {
    throw new Error(`expected tokenizer.json in ${folders.join(" or ")}`);
  }
  await realFile(file, folder);
  return { folder, file };
}

async function existing(
  paths: readonly string[],
  name = "",
): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) => exists(join(path, name))),
  );
  return paths.filter((_, i) => found[i]);
}

interface Config {
  /** Most tokens of a prompt and its answer together. */
  readonly maxLength: number;
  /** Names of the labels, by index. */
  readonly labels: Readonly<Record<string, string>>;
}

const MODEL = v.object({
  "id2label": v.optional(v.record(v.string(), v.string()), {}),
  "max_position_embeddings": v.optional(v.number(), Infinity),
});
const TOKENIZER = v.object({
  "model_max_length": v.nullish(v.number(), Infinity),
});

async function readConfig(folder: string): Promise<Config> {
  const read = async <S extends v.GenericSchema>(schema: S, name: string) => {
    const path = join(folder, name);
    return checkJson(
      schema,
      parseJson(await readText(path)),
      `Cannot read ${path}`,
    );
  };
  const { id2label: labels, max_position_embeddings: positions } = await read(
    MODEL,
    "config.json",
  );
  const hasMore = await exists(join(folder, "tokenizer_config.json"));
  const { model_max_length: longest } = hasMore
    ? await read(TOKENIZER, "tokenizer_config.json")
    : { model_max_length: Infinity };
  return { labels, maxLength: Math.min(positions, longest) };
}

/** The graph's files are those whose names begin with its own: `model.onnx_data`. */
async function hashOf(
  { file, tokenizer, config }: {
    file: string;
    tokenizer: Tokenizer;
    config: Config;
  },
): Promise<string> {
  const names = (await namesIn(dirname(file)))
    .filter((name) => name.startsWith(basename(file))).sort();
  const files = await Promise.all(
    names.map((name) => sha256File(join(dirname(file), name))),
  );
  const { labels } = config;
  const maxLength = `${config.maxLength}`; // JSON has no Infinity
  return sha256(
    canonicalJson({ files, labels, maxLength, tokenizer: tokenizer.hash }),
  );
}

/** @throws Error for a graph with other inputs, or without logits. */
function checked(model: ModelFile): ModelFile {
  const { inputs, outputs } = model;
  const other = inputs.find((name) => !Object.hasOwn(INPUTS, name));
  if (other === undefined && outputs.includes(OUTPUT)) return model;
  throw new Error(
    `expected a sequence classifier, with ${OUTPUT} from ${
      Object.keys(INPUTS).join(", ")
    }; found ${outputs.join(", ")} from ${inputs.join(", ")}`,
  );
}

function encode(
  { prompt, answer }: JudgedAnswer,
  tokenizer: Tokenizer,
  { maxLength }: Config,
): EncodedPair {
  const { chatTemplate, tokenTexts } = tokenizer;
  const asText = (text: string) => tokenTexts.mark(text);
  if (chatTemplate === null) {
    const asked = typeof prompt === "string"
      ? prompt
      : prompt.map(({ content }) => content).join("\n");
    return tokenizer.encodePair(asText(asked), asText(answer), { maxLength });
  }
  const turns = typeof prompt === "string"
    ? [{ role: "user", content: prompt }]
    : prompt;
  const text = chatTemplate.render(
    [...turns, { role: "assistant", content: answer }]
      .map((turn) => ({ ...turn, content: asText(turn.content) })),
    { addGenerationPrompt: false },
  );
  const all = tokenizer.encode(text, { addSpecialTokens: false });
  const ids = all.slice(-maxLength);
  return {
    ids,
    segments: ids.map(() => 0),
    isCut: ids.length < all.length,
  };
}

/** @throws Error for more logits than two, or one that is not finite. */
function rewardOf(
  { data, shape }: Awaited<ReturnType<ModelFile["run"]>>,
  { labels }: Config,
): number {
  const [zero, one = 0] = data;
  const isKnown = shape.length === 2 && shape[0] === 1 && data.length <= 2;
  if (!isKnown) {
    const names = Object.entries(labels).map((label) => label.join(" "));
    throw new Error(
      `expected logits of one label or two, found ${shape.join(" × ")} of them${
        names.length > 0 ? ` (id2label: ${names.join(", ")})` : ""
      }`,
    );
  }
  const reward = data.length === 1 ? zero! : one - zero!;
  if (Number.isFinite(reward)) return reward;
  throw new Error(`expected finite logits, found ${[...data].join(", ")}`);
}
