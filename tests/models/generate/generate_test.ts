import {
  deepEqual,
  equal,
  notDeepEqual,
  ok,
  rejects,
} from "node:assert/strict";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { readConfig } from "lib/models/read_config.ts";
import {
  type Completion,
  createGenerator,
  type GenerateOptions,
  type Generator,
  namesByContent,
} from "lib/models/generate/generate.ts";
import { loraPolicy } from "lib/models/policy.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { openPolicy } from "lib/run/models.ts";
import { assertClose } from "../../assert_close.ts";
import { shared } from "../../places.ts";
import { logitsAfter } from "../logits_after.ts";
import { randomDecoder, SMALL } from "../random_decoder.ts";
import { UNLIKE_LLAMA } from "../unlike_llama.ts";

const DECODER = randomDecoder();
const { policy, parameters } = DECODER;
const PROMPTS = [[1, 5, 3, 9], [8], [3, 3, 10], [4, 4, 6, 0, 1]];
const BASE: GenerateOptions = {
  parameters,
  stream: (label) => new Rng(7).split(label),
  maxNewTokens: 12,
};

async function withGenerator<T>(
  use: (generator: Generator) => Promise<T>,
  of = policy,
): Promise<T> {
  const generator = await createGenerator(of);
  try {
    return await use(generator);
  } finally {
    await generator.release();
  }
}

Deno.test("a greedy completion takes the likeliest token after the whole text", async () => {
  const options = { ...BASE, temperature: 0, maxNewTokens: 5, stopIds: [] };
  const found = await withGenerator((g) => g.generate(PROMPTS, options));
  for (const [i, prompt] of PROMPTS.entries()) {
    const text = [...prompt];
    for (const id of found[i]![0]!.ids) {
      const logits = await logitsAfter(DECODER, text);
      equal(id, logits.indexOf(Math.max(...logits)));
      text.push(id);
    }
    equal(text.length, prompt.length + 5);
  }
});

/** Everything that decides what is drawn, at once. */
const ALL = {
  temperature: 0.9,
  topK: 8,
  topP: 0.95,
  minP: 0.02,
  repetitionPenalty: 1.2,
};

const idsOf = (found: readonly (readonly Completion[])[]) =>
  found.map((some) => some.map(({ ids }) => ids));

for (const [name, sampling] of Object.entries({ plain: {}, warped: ALL })) {
  Deno.test(`what is drawn does not depend on the batch, ${name}`, async () => {
    await withGenerator(async (generator) => {
      const draw = (batch: number) =>
        generator.generate(PROMPTS, {
          ...BASE,
          ...sampling,
          samples: 4,
          stopIds: [2, 5],
          batch,
        });
      const whole = await draw(16);
      const lengths = whole.flat().map(({ ids }) => ids.length);
      ok(new Set(lengths).size > 3, `rows end at different steps: ${lengths}`);
      for (const batch of [1, 2, 3, 8]) {
        const found = await draw(batch);
        deepEqual(idsOf(found), idsOf(whole));
        for (const [i, completion] of found.flat().entries()) {
          const { logProbs } = whole.flat()[i]!;
          assertClose(completion.logProbs, logProbs, { tolerance: 1e-5 });
        }
      }
    });
  });
}

Deno.test("prompts named by their content draw the same in any order and company", async () => {
  const prompts = [...PROMPTS, PROMPTS[0]!];
  await withGenerator(async (generator) => {
    const draw = async (some: readonly (readonly number[])[]) => {
      const names = namesByContent(some);
      const options = { ...BASE, ...ALL, names, samples: 3, batch: 4 };
      const found = idsOf(await generator.generate(some, options));
      return new Map(names.map((name, i) => [name, found[i]!]));
    };
    const whole = await draw(prompts);
    equal(whole.size, 5);
    notDeepEqual(whole.get("1 5 3 9/0"), whole.get("1 5 3 9/1"));
    for (const name of (await draw(prompts.toReversed())).keys()) {
      ok(whole.has(name), name);
    }
    deepEqual(await draw(prompts.toReversed()), whole);
    for (const [name, ids] of await draw([PROMPTS[3]!, PROMPTS[0]!])) {
      deepEqual(ids, whole.get(name), name);
    }
  });
});

Deno.test("many prompts are computed in parts, and go on as one by one", async () => {
  const rng = new Rng(3);
  const prompts = Array.from(
    { length: 90 },
    (_, i) => Array.from({ length: 1 + i % 37 }, () => rng.integer(11)),
  );
  await withGenerator(async (generator) => {
    const options = { ...BASE, maxNewTokens: 3, stopIds: [] };
    const whole = await generator.generate(prompts, options);
    const single = await generator.generate(prompts, { ...options, batch: 1 });
    deepEqual(idsOf(whole), idsOf(single));
  });
});

for (const [name, config] of [["Llama", SMALL] as const, ...UNLIKE_LLAMA]) {
  Deno.test(`prompts with a long common beginning go on as one by one: ${name}`, async () => {
    const { policy, parameters } = randomDecoder(config);
    const common = Array.from({ length: 20 }, (_, i) => i * 7 % 11);
    const ends = [[], [3], [4, 5, 6, 1, 8], [3, 9], [0, 1, 2, 3, 4, 5]];
    const prompts = ends.map((end) => [...common, ...end]);
    await withGenerator(async (generator) => {
      const options = { ...BASE, parameters, samples: 3, stopIds: [] };
      const single = { ...options, batch: 1 };
      const whole = (await generator.generate(prompts, options)).flat();
      const apart = (await generator.generate(prompts, single)).flat();
      for (const [i, { ids, logProbs }] of whole.entries()) {
        deepEqual(ids, apart[i]!.ids);
        assertClose(logProbs, apart[i]!.logProbs, { tolerance: 1e-5 });
      }
    }, policy);
  });
}

Deno.test("log-probabilities are those that a forward pass gives the tokens", async () => {
  const options = { ...BASE, ...ALL, samples: 3 };
  const found = await withGenerator((g) => g.generate(PROMPTS, options));
  const rows = PROMPTS.map((prompt, i) => ({
    prompt,
    completions: idsOf(found)[i]!,
  }));
  const forward = new ForwardPass({ policy });
  const expected = await forward.tokenLogProbs(rows, { parameters });
  await forward.release();
  for (const [i, some] of found.entries()) {
    for (const [k, { logProbs, samplingLogProbs }] of some.entries()) {
      assertClose(logProbs, expected[i]![k]!, { tolerance: 1e-5 });
      equal(samplingLogProbs.length, logProbs.length);
      ok(samplingLogProbs.every((x) => x <= 0 && x > -10));
      notDeepEqual(samplingLogProbs, logProbs);
    }
  }
});

Deno.test("tokens drawn plainly have one log-probability, the likeliest are drawn for sure", async () => {
  await withGenerator(async (generator) => {
    const [[plain] = []] = await generator.generate([[8]], BASE);
    deepEqual(plain!.samplingLogProbs, plain!.logProbs);
    const greedy = { ...BASE, temperature: 0 };
    const [[likeliest] = []] = await generator.generate([[8]], greedy);
    ok(likeliest!.samplingLogProbs.every((x) => x === 0));
    ok(likeliest!.logProbs.every((x) => x < 0));
  });
});

Deno.test("the repetition penalty counts the prompt's tokens and the completion's", async () => {
  const settings = { temperature: 0, repetitionPenalty: 1.5, maxNewTokens: 6 };
  const options = { ...BASE, ...settings, stopIds: [] };
  const found = await withGenerator((g) => g.generate(PROMPTS, options));
  for (const [i, prompt] of PROMPTS.entries()) {
    const text = [...prompt];
    for (const id of found[i]![0]!.ids) {
      const scores = (await logitsAfter(DECODER, text)).map((x, id) =>
        !text.includes(id) ? x : x < 0 ? x * 1.5 : x / 1.5
      );
      equal(id, scores.indexOf(Math.max(...scores)));
      text.push(id);
    }
  }
});

Deno.test("a completion that says enough ends there", async () => {
  const asked: [number, number][] = [];
  const stop = (ids: readonly number[], prompt: number) => {
    asked.push([ids.length, prompt]);
    return ids.length === 2 + prompt;
  };
  const options = { ...BASE, stop, stopIds: [] };
  const found = await withGenerator((g) =>
    g.generate([[8], [3, 3, 10]], options)
  );
  deepEqual(found.flat().map(({ ids, finish }) => [ids.length, finish]), [
    [2, "stop"],
    [3, "stop"],
  ]);
  deepEqual(asked, [[1, 0], [1, 1], [2, 0], [2, 1], [3, 1]]);
});

Deno.test("each prompt has its own samples, and more of them leave the first as they are", async () => {
  await withGenerator(async (generator) => {
    const options = { ...BASE, stopIds: [] };
    const three = await generator.generate(PROMPTS, { ...options, samples: 3 });
    deepEqual(three.map(({ length }) => length), [3, 3, 3, 3]);
    const [a, b, c] = three[0]!;
    notDeepEqual(a, b);
    notDeepEqual(b, c);
    const one = await generator.generate(PROMPTS, options);
    deepEqual(idsOf(one), idsOf(three).map(([first]) => [first]));
  });
});

Deno.test("tokens are drawn by the model's probabilities", async () => {
  const prompt = PROMPTS[0]!;
  const samples = 5000;
  const options = { ...BASE, samples, maxNewTokens: 1, temperature: 0.8 };
  const [found] = await withGenerator((g) => g.generate([prompt], options));
  const weights = (await logitsAfter(DECODER, prompt)).map((x) =>
    Math.exp(x / 0.8)
  );
  const total = weights.reduce((a, b) => a + b);
  const chiSquare = weights.reduce((sum, weight, id) => {
    const expected = samples * weight / total;
    const count = found!.filter(({ ids }) => ids[0] === id).length;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  // 10 degrees of freedom: the 1 % and 99 % points.
  ok(chiSquare > 2.56 && chiSquare < 23.21, `χ² = ${chiSquare}`);
});

Deno.test("a stop token ends a completion and stays in it", async () => {
  await withGenerator(async (generator) => {
    const options = { ...BASE, temperature: 0 };
    const found = await generator.generate([[8]], { ...options, stopIds: [] });
    const free = found[0]![0]!;
    equal(free.finish, "length");
    equal(free.ids.length, 12);
    const stop = free.ids[3]!;
    const ids = free.ids.slice(0, free.ids.indexOf(stop) + 1);
    const stopped = await generator.generate([[8]], {
      ...options,
      stopIds: [stop],
    });
    deepEqual(idsOf(stopped), [[ids]]);
    equal(stopped[0]![0]!.finish, "eos");
  });
});

Deno.test("without stop tokens of their own completions end as the model says", async () => {
  const found = await withGenerator((g) =>
    g.generate(PROMPTS, { ...BASE, samples: 20 })
  );
  const ended = found.flat().filter(({ finish }) => finish === "eos");
  ok(ended.length > 0);
  ok(ended.every(({ ids }) => ids.indexOf(2) === ids.length - 1));
});

Deno.test("completions end with the model's positions", async () => {
  const options = { ...BASE, maxNewTokens: 100, stopIds: [] };
  const found = await withGenerator((g) =>
    g.generate([[1], [1, 5, 3]], options)
  );
  deepEqual(found.map(([{ ids } = { ids: [] }]) => ids.length), [39, 37]);
});

Deno.test("short prompts go on beyond the positions of a long one's row", async () => {
  const short = Array.from({ length: 15 }, (_, i) => [i % 11]);
  const long = Array.from({ length: 38 }, (_, i) => i % 11);
  const options = { ...BASE, maxNewTokens: 39, stopIds: [] };
  await withGenerator(async (generator) => {
    const found = await generator.generate([...short, long], options);
    deepEqual(
      found.map(([completion]) => completion!.ids.length),
      [...short.map(() => 39), 2],
    );
  });
});

Deno.test("those who wait are told of completions when they are done", async () => {
  let told = 0;
  const options = { ...BASE, samples: 5, batch: 3 };
  const onDone = (completions: readonly unknown[]) =>
    told += completions.length;
  await withGenerator((g) => g.generate(PROMPTS, { ...options, onDone }));
  equal(told, 20);
});

Deno.test("bad prompts and options are refused before anything is computed", async () => {
  await withGenerator(async (generator) => {
    const refused = (
      prompt: number[],
      options: Partial<GenerateOptions>,
      message: RegExp,
    ) =>
      rejects(
        generator.generate([[1], prompt], {
          ...BASE,
          ...options,
          onDone: () => ok(false),
        }),
        message,
      );
    await refused([], {}, /Cannot continue prompt 1: it is empty/);
    await refused(
      new Array(40).fill(1),
      {},
      /prompt 1: it has 40 tokens.*fewer than the model's 40/,
    );
    await refused(
      [3, 11],
      {},
      /prompt 1: it has the id 11, expected ids below 11/,
    );
    await refused(
      [3, -1],
      {},
      /prompt 1: it has the id -1, expected ids below/,
    );
    await refused(
      [3],
      { maxNewTokens: 0 },
      /maxNewTokens 0: expected an integer of at least 1/,
    );
    await refused([3], { samples: 1.5 }, /samples 1.5/);
    await refused([3], { batch: NaN }, /batch NaN/);
    await refused([3], { temperature: -1 }, /temperature -1/);
  });
});

Deno.test("weights that are not finite are an error", async () => {
  const broken = randomDecoder();
  hostData(broken.parameters["model.norm.weight"])[0] = NaN;
  await rejects(
    withGenerator((g) =>
      g.generate([[1]], { ...BASE, parameters: broken.parameters })
    ),
    /logit of token 0 is NaN/,
  );
});

const STORIES = shared("models/stories260K");

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "a pretrained model draws the same text in any batch and order (needs ../shared/models/stories260K)",
  ignore: !isThere(STORIES),
  fn: async () => {
    const { policy } = await openPolicy(STORIES);
    const tokenizer = (await loadTokenizer(STORIES))!;
    const told = "Once upon a time, there was a little girl named Lily. She ";
    const prompts = [
      "Once",
      "A dog",
      ...["loved", "saw a", "was not", ""]
        .map((end) => told + end),
    ].map((text) => tokenizer.encode(text));
    const draw = async (
      batch: number,
      order: readonly (readonly number[])[],
    ) => {
      const names = namesByContent(order);
      const sampling = { ...ALL, temperature: 1.1, topK: 100, samples: 4 };
      const settings = { names, batch, maxNewTokens: 24, stopIds: [] };
      const options = { ...BASE, parameters: {}, ...sampling, ...settings };
      const found = await withGenerator(
        (g) => g.generate(order, options),
        policy,
      );
      return new Map(names.map((name, i) => [name, idsOf(found)[i]!]));
    };
    const whole = await draw(24, prompts);
    ok(new Set([...whole.values()].flat().map(String)).size > 20);
    deepEqual(await draw(7, prompts.toReversed()), whole);
    deepEqual(await draw(1, prompts), whole);
  },
});

Deno.test({
  name:
    "a pretrained model tells its story (needs ../shared/models/stories260K)",
  ignore: !isThere(STORIES),
  fn: async () => {
    const tokenizer = (await loadTokenizer(STORIES))!;
    const config = await readConfig(STORIES);
    const lora = {
      rank: 1,
      alpha: 1,
      targets: [],
      replaced: [],
      initial: new Map(),
    };
    const frozen = loraPolicy(config, await openWeights(STORIES), lora);
    const prompt = tokenizer.encode("Once upon a time");
    const options = {
      ...BASE,
      parameters: {},
      temperature: 0,
      maxNewTokens: 40,
    };
    const [found] = await withGenerator(
      (g) => g.generate([prompt], options),
      frozen,
    );
    const ids = [...prompt, ...found![0]!.ids];
    const text = tokenizer.decode(ids, {
      skipSpecialTokens: true,
    });
    const expected =
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";
    equal(text.trimStart().slice(0, expected.length), expected);
  },
});
