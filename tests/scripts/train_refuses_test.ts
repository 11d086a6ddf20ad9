import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";
import { putTinyModel } from "../models/tiny_model.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runInTurn } from "./run_in_turn.ts";
import {
  randomized,
  type TinyTraining,
  tinyTraining,
} from "./tiny_training.ts";

interface Case {
  /** What is wrong. */
  readonly name: string;
  /** Puts it there, and returns the flags that differ from a good run's. */
  readonly spoil: (
    t: TinyTraining,
  ) => Promise<Flags> | Flags;
  /** What the message says. */
  readonly says: RegExp;
  readonly ignore?: boolean;
  /** @default 1 */
  readonly status?: number;
}
type Flags = Readonly<Record<string, string | true>>;

const NORM = "model.layers.1.input_layernorm.weight";

/** Replaces the model by one with a tensor changed. */
async function changed(
  { model }: TinyTraining,
  change: (tensor: NamedTensor) => NamedTensor,
): Promise<Flags> {
  await putTinyModel(
    model,
    (tensors) =>
      randomized(tensors).map((tensor) =>
        tensor.name === NORM ? change(tensor) : tensor
      ),
  );
  return {};
}

/** Replaces a row of the pairs; lines count from 1. */
async function row(
  { pairs }: TinyTraining,
  line: number,
  text: string,
): Promise<Flags> {
  const lines = (await Deno.readTextFile(pairs)).split("\n");
  await Deno.writeTextFile(pairs, lines.with(line - 1, text).join("\n"));
  return {};
}

const CASES: readonly Case[] = [
  {
    name: "a model folder that is missing",
    spoil: () => ({ model: "./none" }),
    says: /Cannot find the model or adapter "\.\/none": there is no such file/,
  },
  {
    name: "a truncated safetensors file",
    spoil: async ({ model }) => {
      await Deno.truncate(`${model}/model.safetensors`, 3000);
      return {};
    },
    says: /model\.safetensors.*(3000|truncated|expected)/,
  },
  {
    name: "a tensor of the wrong shape",
    spoil: (t) =>
      changed(t, (tensor) => ({
        ...tensor,
        shape: [4],
        data: tensor.data.slice(0, 4),
      })),
    says: RegExp(`"${NORM}" of .*expected shape \\[8\\].*found \\[4\\]`),
  },
  {
    name: "NaN in the weights",
    spoil: (t) =>
      changed(t, (tensor) => ({ ...tensor, data: tensor.data.with(3, NaN) })),
    says: RegExp(`"${NORM}" of .* is NaN at element 3, expected finite`),
  },
  {
    name: "an unknown loss",
    status: 2,
    spoil: () => ({ loss: "dop" }),
    says:
      /Unknown loss "dop": did you mean dpo\? expected one of alpha-dpo, alphapo, aot, .*, dpo, /,
  },
  {
    name: "an unknown flag",
    status: 2,
    spoil: () => ({ betta: "1" }),
    says: /Unknown flag --betta: did you mean --beta\?/,
  },
  {
    name: "a flag of another trainer",
    status: 2,
    spoil: () => ({ "learning_rate": "1e-5" }),
    says: /Unknown flag --learning_rate: here it is --lr/,
  },
  {
    name: "another trainer's flag for a file of settings",
    status: 2,
    spoil: () => ({ config: "mine.yaml" }),
    says: /Unknown flag --config: a file of settings, .* without a flag/,
  },
  {
    name: "another trainer's name of an option",
    status: 2,
    spoil: () => ({ "simpo_gamma": "1" }),
    says: /Unknown flag --simpo_gamma: here it is --gamma/,
  },
  {
    name: "several losses",
    status: 2,
    spoil: () => ({ loss: "dpo,kto" }),
    says: /Cannot use "dpo,kto" as a loss: expected one, or a sum such as/,
  },
  {
    name: "several values of an option",
    status: 2,
    spoil: () => ({ beta: "0.1,0.3" }),
    says: /--beta: .*, expected one value: .*; deno task compare takes several/,
  },
  {
    name: "β = 0",
    status: 2,
    spoil: () => ({ beta: "0" }),
    says: /--beta: found "0", expected a number above 0/,
  },
  {
    name: "an option of another loss",
    status: 2,
    spoil: () => ({ lambda: "1" }),
    says: /Loss "dpo" does not take --lambda: expected --beta, --label-smooth/,
  },
  {
    name: "weights in few bits that are all trained",
    status: 2,
    spoil: () => ({ full: true, "base-weights": "int8" }),
    says: /Cannot use --base-weights int8 with --full/,
  },
  {
    name: "adapter flags without a new adapter",
    status: 2,
    spoil: () => ({ full: true, "lora-rank": "8" }),
    says: /Cannot use --lora-rank with --full/,
  },
  {
    name: "a batch too small for the loss",
    spoil: () => ({ loss: "kto", batch: "1" }),
    says: /Cannot use --batch 1: loss "kto" needs at least 2/,
  },
  {
    name: "pairs without ratings that the loss reads",
    spoil: () => ({ loss: "odpo" }),
    says:
      /Cannot use .*pairs\.jsonl with loss "odpo" \(12 of 12 examples have no ratings: expected score_chosen and/,
  },
  {
    name: "more tokens than the model has positions",
    spoil: () => ({ "max-length": "33" }),
    says: /Cannot use --max-length 33: expected at most the model's 32/,
  },
  {
    name: "an empty data file",
    spoil: async ({ pairs }) => {
      await Deno.writeTextFile(pairs, "");
      return {};
    },
    says: /pairs\.jsonl: expected rows, found none/,
  },
  {
    name: "a row without a rejected completion",
    spoil: (t) => row(t, 3, '{"prompt_ids":[1],"chosen_ids":[2]}'),
    says: /pairs\.jsonl, line 3: no "rejected_ids"; expected the columns/,
  },
  {
    name: "a token that is not in the vocabulary",
    spoil: (t) =>
      row(t, 2, '{"prompt_ids":[11],"chosen_ids":[2],"rejected_ids":[3]}'),
    says: /pairs\.jsonl, line 2: token id 11 .* expected integers from 0 to 10/,
  },
  {
    name: "a prompt that is longer than the limit, where that is an error",
    spoil: () => ({ "max-prompt-length": "1", truncate: "end" }),
    says: /pairs\.jsonl, line 1: its prompt has \d tokens, more than 1/,
  },
  {
    name: "prompts that are all longer than the limit",
    spoil: () => ({ "max-prompt-length": "1" }),
    says: /line 1 on: all 12 were dropped, 12 for a long prompt/,
  },
  {
    name: "labels for a loss of pairs",
    spoil: ({ labels }) => ({ data: labels }),
    says: /labels\.jsonl with loss "dpo" \(Cannot make pairs of labels/,
  },
  {
    name: "evaluation data that is missing",
    spoil: () => ({ "eval-data": "./none.jsonl" }),
    says: /Cannot find the data "\.\/none\.jsonl"/,
  },
  {
    name: "an output folder below a file",
    spoil: ({ pairs }) => ({ out: join(pairs, "deep/out") }),
    says: /Cannot write to --out .*pairs\.jsonl\/deep\/out: Not a directory/,
  },
  {
    name: "an output folder that cannot be made",
    spoil: () => ({ out: "/proc/deep/out" }),
    says: /Cannot write to --out \/proc\/deep\/out: /,
    ignore: Deno.build.os !== "linux",
  },
  {
    name: "a run that is not there to be ended",
    spoil: () => ({ finish: true }),
    says: /Cannot end the run in out\/deep: expected a checkpoint, found none/,
  },
  {
    name: "a device that is not there",
    spoil: () => ({ device: "cuda" }),
    says: /Cannot use device "cuda": /,
    ignore: existsSync("/dev/nvidia0"),
  },
  {
    name: "a reference that is not finite",
    spoil: (t) =>
      changed(t, (tensor) => ({ ...tensor, data: tensor.data.fill(3e38) })),
    says: /The reference gives a completion the log-probability NaN, expected/,
  },
  {
    name: "a first step that is not finite",
    spoil: async (t) => ({
      ...await changed(t, (tensor) => ({
        ...tensor,
        data: tensor.data.fill(3e38),
      })),
      loss: "sft",
    }),
    says: /Training diverged at step 1: loss NaN/,
  },
];

for (const { name, spoil, says, ignore = false, status = 1 } of CASES) {
  Deno.test({
    name: `train refuses ${name}, and leaves nothing behind`,
    ignore,
    fn: async () => {
      await using t = await tinyTraining();
      const good = { model: t.model, data: t.pairs, loss: "dpo" };
      const flags = { ...good, out: "out/deep", ...await spoil(t) };
      const before = await namesIn(t.path);
      using cache = temporaryFolder();
      const { code, out, err } = await runInTurn(
        "train",
        ["--threads", "1", ...argumentsOf(flags)],
        { cwd: t.path, env: { ...t.env, XDG_CACHE_HOME: cache.path } },
      );
      strictEqual(code, status, err);
      strictEqual(out, "");
      const [message, ...rest] = err.split(/^(?=error: )/m).reverse();
      match(message!, says);
      ok(message!.trimEnd().split("\n").length <= 2, message);
      ok(!rest.join("").includes("error"), err);
      doesNotMatch(err, /^ {4}at /m);
      deepStrictEqual(await namesIn(t.path), before);
    },
  });
}

Deno.test("train refuses a folder that holds a run, and does not touch it", async () => {
  await using t = await tinyTraining();
  const flags = { model: t.model, data: t.pairs, loss: "sft", out: "out" };
  await t.run("train", argumentsOf(flags));
  const before = await Deno.stat(join(t.path, "out/metrics.jsonl"));
  const { code, err } = await t.run("train", argumentsOf(flags));
  strictEqual(code, 1);
  match(err, /^error: Cannot write to --out out: it holds a run .*--resume/);
  const after = await Deno.stat(join(t.path, "out/metrics.jsonl"));
  deepStrictEqual([after.mtime, after.size], [before.mtime, before.size]);
});

function argumentsOf(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value]
  );
}

/** What a folder holds, but for caches. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).filter((name) => name !== "cache")
    .sort();
}
