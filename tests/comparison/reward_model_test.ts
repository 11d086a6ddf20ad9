import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { RewardModel } from "experiments/comparison/reward_model.ts";
import { assertClose } from "../assert_close.ts";
import { bytes } from "../data/byte_tokenizer.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import {
  type ClassifierOptions,
  SEGMENT_WEIGHT,
  weightOf,
  writeClassifier,
} from "./tiny_classifier.ts";

/** Opens such a classifier and calls `use` with it. */
async function withClassifier(
  options: ClassifierOptions,
  use: (judge: RewardModel, folder: string) => Promise<void>,
) {
  using folder = temporaryFolder();
  await writeClassifier(folder.path, options);
  const judge = await RewardModel.open(folder.path);
  try {
    await use(judge, folder.path);
  } finally {
    await judge.release();
  }
}

const logit = (ids: readonly number[], label = 0) =>
  ids.reduce((sum, id) => sum + weightOf(id, label), 0);

const QUESTION = "Why?";
const ANSWER = "So </s>.";
// `</s>` in an answer stays text.
const PAIR = [0, ...bytes(QUESTION), 1, ...bytes(ANSWER)];
const TEMPLATE =
  "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}";
const CHAT = [2, ...bytes(QUESTION), 1, 3, ...bytes(ANSWER), 1];

Deno.test("without a template, prompt and answer are a pair of texts", async () => {
  await withClassifier({}, async (judge) => {
    const { scores, cut } = await judge.score([
      { prompt: QUESTION, answer: ANSWER },
      { prompt: [{ role: "user", content: "Why?" }], answer: ANSWER },
      { prompt: QUESTION, answer: "" },
    ]);
    const whole = logit(PAIR) + ANSWER.length * SEGMENT_WEIGHT;
    assertClose(scores, [
      ...[whole, whole, logit([0, ...bytes(QUESTION), 1])],
    ]);
    equal(cut, 0);
  });
});

Deno.test("with a template they are a conversation", async () => {
  const config = { "chat_template": TEMPLATE };
  await withClassifier({ config, segments: false }, async (judge) => {
    const turns = [{ role: "user", content: QUESTION }];
    const { scores } = await judge.score([
      { prompt: QUESTION, answer: ANSWER },
      { prompt: turns, answer: ANSWER },
      {
        prompt: [...turns, { role: "assistant", content: "a" }, ...turns],
        answer: "",
      },
    ]);
    const long = [
      ...CHAT.slice(0, 6),
      3,
      ...bytes("a"),
      1,
      ...CHAT.slice(0, 6),
    ];
    assertClose(scores, [logit(CHAT), logit(CHAT), logit([...long, 3, 1])]);
  });
});

Deno.test("two labels give the log-odds of the second", async () => {
  await withClassifier({ labels: 2, segments: false }, async (judge) => {
    const { scores } = await judge.score([{
      prompt: QUESTION,
      answer: ANSWER,
    }]);
    assertClose(scores, [logit(PAIR, 1) - logit(PAIR, 0)]);
  });
});

Deno.test("a prompt that is too long loses its start, and is counted", async () => {
  const answer = "yes";
  const long = { prompt: "x".repeat(50) + QUESTION, answer };
  const short = { prompt: QUESTION, answer };
  const model = { "max_position_embeddings": 9 };
  await withClassifier({ model }, async (judge) => {
    const { scores: [a, b], cut } = await judge.score([long, short]);
    assertClose([a!], [b!]);
    equal(cut, 1);
    await rejects(judge.score([{ prompt: QUESTION, answer: "y".repeat(8) }]), {
      message: /second text has 8 tokens, expected at most 7/,
    });
  });
  const config = { "chat_template": TEMPLATE, "model_max_length": 12 };
  await withClassifier({ config, segments: false }, async (judge) => {
    const { scores, cut } = await judge.score([long]);
    const ids = [...bytes(`xx${QUESTION}`), 1, 3, ...bytes(answer), 1];
    assertClose(scores, [logit(ids)]);
    deepEqual([ids.length, cut], [12, 1]);
  });
});

Deno.test("a graph's file will do, and its hash is of what decides scores", async () => {
  using folder = temporaryFolder();
  await writeClassifier(folder.path, { graph: "onnx" });
  const file = join(folder.path, "onnx", "model.onnx");
  const hashOf = async (place: string) => {
    const judge = await RewardModel.open(place);
    await judge.release();
    return judge.hash;
  };
  const hash = await hashOf(file);
  equal(await hashOf(folder.path), hash);
  await writeClassifier(folder.path, { graph: "onnx", segments: false });
  const other = await hashOf(folder.path);
  notEqual(other, hash);
  await writeClassifier(folder.path, {
    ...{ graph: "onnx", segments: false },
    config: { "chat_template": TEMPLATE },
  });
  notEqual(await hashOf(folder.path), other);
});

Deno.test("a folder that is no reward model is refused, and why", async () => {
  const refuses = async (options: ClassifierOptions, message: RegExp) => {
    using folder = temporaryFolder();
    await writeClassifier(folder.path, options);
    await rejects(RewardModel.open(folder.path), { message });
  };
  const id2label = { 0: "bad", 1: "fair", 2: "good" };
  await refuses(
    { labels: 3, model: { id2label } },
    /^Cannot use the reward model .*: expected logits of one label or two, found 1 × 3 of them \(id2label: 0 bad, 1 fair, 2 good\)$/,
  );
  await refuses({ labels: 3 }, /found 1 × 3 of them$/);
  await refuses(
    { output: "scores" },
    /with logits from input_ids, attention_mask, token_type_ids; found scores from input_ids/,
  );
  await refuses(
    { model: { id2label: { 0: 7 } } },
    /config\.json: \/id2label\/0 is 7/,
  );
  using folder = temporaryFolder();
  const opening = () => RewardModel.open(folder.path);
  await rejects(opening, {
    message: /expected .*model\.onnx or .*onnx\/model/,
  });
  await writeClassifier(folder.path);
  await Deno.writeTextFile(join(folder.path, "model.onnx"), "not ONNX");
  await rejects(opening, { message: /^Cannot use the reward model/ });
  await Deno.remove(join(folder.path, "tokenizer.json"));
  await rejects(opening, { message: /expected tokenizer\.json in/ });
});
