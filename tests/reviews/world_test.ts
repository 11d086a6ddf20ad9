import {
  deepStrictEqual,
  notDeepStrictEqual,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import { mean } from "lib/train/metrics.ts";
import { Rng } from "lib/rng.ts";
import { quantile } from "lib/stats/interval.ts";
import { entropy } from "experiments/reviews/grammar.ts";
import {
  BOS,
  decode,
  encode,
  EOS,
  goldReward,
  isWellFormed,
  PROMPTS,
  type Review,
  sampleReview,
  VOCABULARY,
} from "experiments/reviews/world.ts";

const PROMPT = PROMPTS.find(({ ids }) =>
  decode(ids) === "<s> review of the used camera :"
)!;

function reviews(n: number, seed: number): Review[] {
  const rng = new Rng(seed);
  return Array.from({ length: n }, () => sampleReview(rng));
}

Deno.test("the vocabulary holds 64 words, the sequence's ends first", () => {
  strictEqual(VOCABULARY.length, 64);
  strictEqual(new Set(VOCABULARY).size, 64);
  deepStrictEqual(VOCABULARY.slice(0, 2), [BOS, EOS]);
  ok(VOCABULARY.every((word) => word !== "" && !word.includes(" ")));
});

Deno.test("decode() undoes encode()", () => {
  const text = "<s> review of the old radio : its sound is not superb . </s>";
  strictEqual(decode(encode(text)), text);
});

Deno.test("encode() and decode() name what is not in the vocabulary", () => {
  throws(() => encode("the lens is loud ."), {
    name: "RangeError",
    message:
      'Cannot encode "the lens is loud .": "loud" is not in the vocabulary',
  });
  throws(() => decode([0, 64]), {
    name: "RangeError",
    message: "Cannot decode token 64: expected an id below 64",
  });
});

Deno.test("18 different prompts start a sequence and leave it open", () => {
  const texts = PROMPTS.map(({ ids }) => decode(ids));
  strictEqual(new Set(texts).size, 18);
  for (const text of texts) {
    ok(/^<s> review of the (old|used|new) \w+ :$/.test(text), text);
  }
});

Deno.test("sampleReview() repeats with its seed alone", () => {
  const texts = (seed: number) =>
    reviews(20, seed).map(({ completion }) => decode(completion));
  deepStrictEqual(texts(1), texts(1));
  notDeepStrictEqual(texts(1), texts(2));
});

Deno.test("sampleReview() writes well-formed reviews of every prompt", () => {
  const samples = reviews(2000, 0);
  for (const sample of samples) {
    ok(isWellFormed(sample), decode(sample.completion));
    strictEqual(
      sample.completion.indexOf(encode(EOS)[0]!),
      sample.completion.length - 1,
    );
  }
  for (const prompt of PROMPTS) {
    const count = samples.filter((sample) => sample.prompt === prompt).length;
    ok(count > 60 && count < 165, `${decode(prompt.ids)} came ${count} times`);
  }
});

Deno.test("isWellFormed() refuses what no reviewer would write", () => {
  const judge = (text: string) =>
    isWellFormed({ prompt: PROMPT, completion: encode(text) });
  ok(
    judge("the lens is good but it looks very dull and i sent it back . </s>"),
  );
  const broken = {
    "no end": "the lens is good .",
    "nothing but the end": "</s>",
    "no full stop": "the lens is good </s>",
    "an end in the middle": "the lens is good . </s> </s>",
    "an aspect that a camera lacks": "the keyboard is good . </s>",
    "a degree twice": "the lens is very very good . </s>",
    "a mood that turns without but": "the lens is good and it is bad . </s>",
    "a but that does not turn": "the lens is good but it is nice . </s>",
    "a closing of the other mood": "the lens is good and i sent it back . </s>",
    "four clauses":
      "it is good and it is good and it is good and it is good . </s>",
    "a run of praise": "superb superb superb superb . </s>",
    "the prompt once more": "review of the used camera : it is good . </s>",
  };
  for (const [reason, text] of Object.entries(broken)) ok(!judge(text), reason);
});

Deno.test("goldReward() is 4 tanh of a quarter of the weighted scores", () => {
  const sums = {
    "it is fine .": 1,
    "it is great . </s>": 2,
    "it is perfect .": 3,
    "it is dreadful .": -3,
    "it is very great .": 3,
    "it is rather poor .": -0.5,
    "it is not great .": -1,
    "it is not terrible .": 1.5,
    "it is good but the lens is weak .": -1,
    "i would buy it again .": 0,
    "not the great": 2,
    "very very great": 3,
    "great great great": 6,
    "</s>": 0,
  };
  for (const [text, sum] of Object.entries(sums)) {
    const reward = goldReward(encode(text));
    ok(Math.abs(reward - 4 * Math.tanh(sum / 4)) < 1e-12, `${text}: ${reward}`);
  }
  strictEqual(goldReward([]), 0);
});

Deno.test("goldReward() rises with every further word of praise, below 4", () => {
  const rewards = Array.from(
    { length: 12 },
    (_, n) => goldReward(Array.from({ length: n }, () => encode("superb")[0]!)),
  );
  ok(rewards.every((reward, n) => n === 0 || reward > rewards[n - 1]!));
  ok(rewards.every((reward) => reward < 4));
});

Deno.test("reviews are as likely bad as good, and differ widely in reward", () => {
  const rewards = reviews(6000, 0).map(({ completion }) =>
    goldReward(completion)
  );
  const deviation = Math.sqrt(mean(rewards.map((r) => r * r)));
  ok(Math.abs(mean(rewards)) < 0.1, `mean ${mean(rewards)}`);
  ok(Math.abs(deviation - 1.88) < 0.05, `standard deviation ${deviation}`);
  ok(quantile(rewards, 0.05) < -3 && quantile(rewards, 0.95) > 3);
});

Deno.test("new products are reviewed more kindly than old ones", () => {
  const samples = reviews(6000, 0);
  const reward = (condition: string) => {
    const id = encode(condition)[0]!;
    const own = samples.filter(({ prompt }) => prompt.ids.includes(id));
    return mean(own.map(({ completion }) => goldReward(completion)));
  };
  ok(reward("old") < -0.4 && reward("new") > 0.4);
});

Deno.test("reviews take 5 to 22 tokens, about 12 on average", () => {
  const lengths = reviews(6000, 0).map(({ completion }) => completion.length);
  ok(Math.abs(mean(lengths) - 11.9) < 0.25, `mean ${mean(lengths)}`);
  ok(Math.min(...lengths) >= 5 && Math.max(...lengths) <= 22);
});

Deno.test("a review carries 14.6 to 14.8 nats", () => {
  for (const { ids, reviews } of PROMPTS) {
    const nats = entropy(reviews);
    ok(nats > 14.6 && nats < 14.8, `${decode(ids)} ${nats}`);
  }
});
