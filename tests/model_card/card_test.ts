import { deepStrictEqual, doesNotMatch, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { type CardSubject, modelCard } from "lib/model_card/card.ts";
import { fixture } from "../places.ts";
import {
  COMMIT,
  DPO,
  DPO_RUN,
  KTO_RUN,
  SFT_RUN,
  SUM_RUN,
} from "./card_runs.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const ADAPTER = {
  repo: "org/mine",
  kind: "adapter",
  baseModel: null,
} as const satisfies Partial<CardSubject>;
const MODEL = { ...ADAPTER, kind: "model" } as const;
const ONNX = { ...ADAPTER, kind: "onnx" } as const;

/** The block of YAML, and the text after it. */
function parts(card: string): [yaml: string, body: string] {
  const [, yaml, body] = card.match(/^---\n(.*?)\n---\n\n(.*)$/s)!;
  return [yaml!, body!];
}

Deno.test("the card of an adapter begins with the metadata that the Hub reads", () => {
  const [yaml] = parts(modelCard({ ...ADAPTER, run: DPO_RUN }));
  deepStrictEqual(yaml.split("\n"), [
    "base_model: org/base",
    "base_model_relation: adapter",
    "datasets:",
    "- org/pairs",
    "library_name: peft",
    "pipeline_tag: text-generation",
    "tags:",
    "- prefgrad",
    "- alignment",
    "- dpo",
    "- lora",
  ]);
});

/** Lines of the card of a run of DPO, and why a reader wants them. */
const TOLD: Record<string, RegExp> = {
  "its subject":
    /^A LoRA adapter of `org\/base`, trained by prefgrad with \[Direct Preference Optimization\]\(https:\/\/arxiv.org\/abs\/2305.18290\) for 20 steps on `org\/pairs@[0-9a-f]{40}`\.$/m,
  "its parameters": /^\| Trained parameters \| 4,884,480 of 139,399,488 \|$/m,
  "first and last steps, evaluations":
    /^\| {2}\| step 1 \| steps 19 to 20 \| evaluation, step 10 \| evaluation, step 20 \|$/m,
  "losses": /^\| Loss \| 1 \| 0.075 \| 0.51 \| 0.41 \|$/m,
  "rewards": /^\| Reward margin, chosen − rejected \| 0 \| 1.85 \| – \| – \|$/m,
  "displacement":
    /chosen completions by −1.5, rejected completions by −4, the margin between them by \+2.5\. \*\*Likelihood displacement\*\*/,
  "curves": /^!\[Loss of the run\]\(figure.png\)$/m,
  "use in Python": /^model = PeftModel.from_pretrained\(base, "org\/mine"\)$/m,
  "use here": RegExp(
    `^deno task generate --model org/base@${COMMIT} --adapter org/mine `,
    "m",
  ),
  "the formula": /^```text\n−\(1−ε\) log σ.*\n```$/m,
  "options": /^- `beta`: `0.1`$/m,
  "the source of the loss": /^- From: DPO, eq. 7, https:/m,
  "counts": /^\| train \| `org\/pairs@\w+` \| 3,000 \| 12 \| 34 \| 5 \| 7 \|$/m,
  "conversions": /^- `train` was converted: `flip` `0.1` \(`flipped` 30\)$/m,
  "settings": /^\| `tokenizing.boundary` \| `separate` \|$/m,
  "reproduction": RegExp(
    `^git checkout ${COMMIT}\ndeno task reproduce run.json \\\\\n  --model org/base@${COMMIT} \\\\\n  --data org/pairs@${COMMIT} \\\\\n  --eval-data held_out.jsonl$`,
    "m",
  ),
  "processors with pipes": /^\| Processor \| `Some \\\| Processor`, 2 cores/m,
};

for (const [subject, line] of Object.entries(TOLD)) {
  Deno.test(`the card of a run of DPO tells ${subject}`, () => {
    match(modelCard({ ...ADAPTER, run: DPO_RUN }), line);
  });
}

Deno.test("settings that are off and counts of 0 are left out", () => {
  const card = modelCard({ ...ADAPTER, run: DPO_RUN });
  doesNotMatch(card, /preset|skipBadRows|specials|skipped/);
});

Deno.test("a local model is named, but not as one on the Hub", () => {
  const [yaml, body] = parts(modelCard({
    ...ADAPTER,
    baseModel: "models/tiny",
    run: KTO_RUN,
  }));
  doesNotMatch(yaml, /base_model|datasets/);
  match(yaml, /^- kto$/m);
  match(body, /^A LoRA adapter of `tiny`, /m);
  match(body, /^# BASE_MODEL: /m);
  doesNotMatch(body, /Tokenizer|deno task generate/);
});

Deno.test("the user may name the base model of an adapter of a local one", () => {
  const baseModel = "org/known";
  const card = modelCard({ ...ADAPTER, baseModel, run: KTO_RUN });
  match(card, /^base_model: org\/known$/m);
  match(card, /from_pretrained\("org\/known"\)/);
});

Deno.test("the card of KTO has its estimate of KL, and no reward of pairs", () => {
  const card = modelCard({ ...ADAPTER, run: KTO_RUN });
  match(card, /^\| KL estimate that the loss uses \| 0.1 \| 1.95 \|$/m);
  match(card, /^- KL estimate: z₀ = max/m);
  match(card, /^λ σ\(−β\(Δ − z_0\)\) if desirable, /m);
  match(card, /No examples were held out/);
  match(card, /The run was not made from a checkout/);
  doesNotMatch(card, /ranked correctly/);
});

Deno.test("the card of a sum of losses names each, and own code by hash", () => {
  const card = modelCard({ ...MODEL, run: SUM_RUN });
  match(
    card,
    /^All parameters of `org\/base`, trained by prefgrad with \[Direct.*\) and a loss of its own, `mine` for 20 steps/m,
  );
  match(card, /^\| Loss, part `mine` \| 0.5 \| 0.5 \| – \| – \|$/m);
  match(card, /^- Own code, SHA-256: `[0-9a-f]{64}`$/m);
  match(card, /^ {2}--loss 'dpo\+0.2\*mine.ts'$/m);
  match(card, /had changes that were not committed/);
  const [yaml] = parts(card);
  match(yaml, /^base_model_relation: finetune$/m);
  match(yaml, /^library_name: transformers$/m);
  match(yaml, /^- dpo\n- mine$/m);
});

Deno.test("the card tells of the GGUF file, of weights held in fewer bits, and of arithmetic in fewer", () => {
  const { record } = DPO_RUN;
  const baseWeightsError = { rows: 4, tokens: 85, mean: 0.02196, largest: 0.5 };
  const precisionError = { rows: 4, tokens: 85, mean: 0.03, largest: 0.4 };
  const gradientError = { examples: 4, cosine: 0.999, relative: 0.02 };
  const card = modelCard({
    ...ADAPTER,
    run: {
      ...DPO_RUN,
      record: {
        ...record,
        model: { ...record.model, gguf: "a".repeat(64) },
        settings: {
          ...record.settings,
          ...{ baseWeights: "int8", precision: "bfloat16" },
        },
        summary: {
          ...record.summary,
          ...{ baseWeightsError, precisionError, gradientError },
        },
      },
    },
  });
  match(card, /^\| its GGUF file, SHA-256 \| `a{64}` \|$/m);
  match(
    card,
    /^\| its weights in training \| held in `int8`, which changes log π of a token by 0\.02196 on average, 0\.5 at most \|$/m,
  );
  match(
    card,
    /^\| Arithmetic of training \| in `bfloat16`, which changes log π of a token by 0\.03 on average, 0\.4 at most, and the first gradient by 0\.02 of its norm \(cosine 0\.999\) \|$/m,
  );
  doesNotMatch(
    modelCard({ ...ADAPTER, run: DPO_RUN }),
    /GGUF|held in|Arithmetic/,
  );
});

Deno.test("a merged model is told from one that was trained whole", () => {
  const card = modelCard({ ...MODEL, run: DPO_RUN });
  match(card, /^`org\/base` with a LoRA adapter merged into it, trained/m);
  match(card, /^model = AutoModelForCausalLM.from_pretrained\("org\/mine"\)$/m);
});

Deno.test("the card of an ONNX model says how transformers.js runs it", () => {
  const [yaml, body] = parts(modelCard({ ...ONNX, run: DPO_RUN }));
  match(yaml, /^base_model: org\/base\nbase_model_relation: finetune$/m);
  match(
    yaml,
    /^library_name: transformers\.js\npipeline_tag: text-generation$/m,
  );
  match(body, /^`org\/base` with a LoRA adapter merged into it, trained/m);
  match(body, /^```js\nimport \{ pipeline \} from /m);
  match(body, / await pipeline\("text-generation", "org\/mine"\);$/m);
  doesNotMatch(body, /python|deno task generate/);
  // Its model has no tokenizer.
  const bare = modelCard({ ...ONNX, run: KTO_RUN });
  match(bare, / await AutoModelForCausalLM.from_pretrained\("org\/mine"\);$/m);
  doesNotMatch(bare, /pipeline\(/);
});

Deno.test("the card of a run of one step without comparisons has no other results", () => {
  const card = modelCard({ ...ADAPTER, run: SFT_RUN });
  match(card, /^\| {2}\| step 1 \|\n\| --- \| --- \|\n\| Loss \| 1 \|\n\n/m);
  doesNotMatch(card, /Reference|[Rr]eward/);
});

Deno.test("the card of weights without a record says only how to use them", () => {
  const adapter = modelCard({ ...ADAPTER, baseModel: "org/base", run: null });
  match(adapter, /^A LoRA adapter of `org\/base`\.\n\n## Use\n/m);
  const model = modelCard({ ...MODEL, run: null });
  doesNotMatch(model, /base_model|lora|## (Results|Objective|Limits)/);
});

/** The worst that a file name may be. */
const HOSTILE = 'x"\\ `a``b` | <img src=x>\n---\n# [y](javascript:z) {{t}}';

/** A card of each kind, by a name. */
function everyCard(): Map<string, string> {
  const hostile = {
    ...DPO,
    model: { ...DPO.model, source: HOSTILE },
    data: DPO.data.map((set) => ({ ...set, source: HOSTILE })),
    objective: { ...DPO.objective!, loss: HOSTILE, formula: HOSTILE },
  };
  return new Map(Object.entries({
    adapter: modelCard({ ...ADAPTER, run: DPO_RUN }),
    kto: modelCard({ ...ADAPTER, run: KTO_RUN }),
    sft: modelCard({ ...ADAPTER, run: SFT_RUN }),
    sum: modelCard({ ...MODEL, run: SUM_RUN }),
    onnx: modelCard({ ...ONNX, run: SUM_RUN }),
    bare: modelCard({ ...MODEL, run: null }),
    hostile: modelCard({
      ...ADAPTER,
      run: { ...DPO_RUN, record: hostile },
      baseModel: HOSTILE,
    }),
    reserved: modelCard({
      ...ADAPTER,
      repo: "org/no",
      baseModel: "org/1e5",
      run: null,
    }),
  }));
}

Deno.test("no text of a record becomes Markdown, HTML or YAML", () => {
  const [yaml, body] = parts(everyCard().get("hostile")!);
  match(yaml, /^- "x\\"\\\\ `a``b` \| <img src=x>\\n---\\n# /m);
  const inCode = /(`+)(?!`).*?(?<!`)\1(?!`)/gs;
  doesNotMatch(body.replace(inCode, ""), /<img|javascript:|---\n# |\{\{/);
});

peerTest("Python's huggingface_hub reads every card", async () => {
  using folder = temporaryFolder();
  const cards = everyCard();
  for (const [name, card] of cards) {
    await Deno.writeTextFile(join(folder.path, `${name}.md`), card);
  }
  const script = fixture("read_cards.py");
  const found = JSON.parse(await runPeer(script, { args: [folder.path] }));
  deepStrictEqual(Object.keys(found), [...cards.keys()].sort());
  deepStrictEqual(found.adapter, {
    "base_model": "org/base",
    "base_model_relation": "adapter",
    "datasets": ["org/pairs"],
    "library_name": "peft",
    "pipeline_tag": "text-generation",
    "tags": ["prefgrad", "alignment", "dpo", "lora"],
  });
  deepStrictEqual(found.bare, {
    "library_name": "transformers",
    "pipeline_tag": "text-generation",
    "tags": ["prefgrad"],
  });
  ok(found.hostile.tags.some((tag: string) => tag.startsWith('x"\\ `a')));
  deepStrictEqual(found.reserved["base_model"], "org/1e5");
});
