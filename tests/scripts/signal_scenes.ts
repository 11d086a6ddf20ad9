import { join } from "node:path";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { Rng } from "lib/rng.ts";
import { baseSize, writeByteTokenizer } from "../data/byte_tokenizer.ts";
import { LoopbackHubCommits, TOKEN } from "../hub/loopback_hub_commits.ts";
import { tinyHub } from "../hub/tiny_hub.ts";
import { putJson, tensorsFor, TINY } from "../models/tiny_model.ts";
import { denoFolder, randomized } from "./tiny_training.ts";

/** A command line and what it needs, to be disturbed. */
export interface Scene {
  readonly name: string;
  readonly verb: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Puts what lies in the folder of outputs before. */
  begin?(out: string): void | Promise<void>;
  /** Results that do not lie in the folder. */
  elsewhere?(): Record<string, string>;
}

/** Inputs of all scenes, and a Hub that takes its time. */
export interface Stage extends AsyncDisposable {
  readonly scenes: readonly Scene[];
  /** Environment of every process. */
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds between parts of a file from the Hub, which has ten. */
const BETWEEN = 60;
const PAIRS = 200;

/** Makes the inputs in a folder; outputs belong into `out` beside them. */
export async function signalStage(folder: string): Promise<Stage> {
  const at = (name: string) => join(folder, name);
  await putModel(at("model"));
  await putPairs(at("pairs.jsonl"), PAIRS);
  await putPairs(at("many.jsonl"), 40 * PAIRS);
  const hub = await tinyHub();
  hub.hub.deliver = slowly;
  const target = { hub: new LoopbackHubCommits() };
  const model = ["--model", at("model"), "--threads", "1"];
  const pairs = ["--data", at("pairs.jsonl")];
  const train: Omit<Scene, "name"> = {
    verb: "train",
    args: [
      ...[...model, ...pairs, "--loss", "dpo", "--out", "out/run"],
      ...["--steps", "30", "--batch", "4", "--save-every", "4", "--resume"],
      ...["--eval-data", at("pairs.jsonl"), "--eval-every", "15"],
    ],
  };
  const exported = ["--shard-size", "1KB", "--out", "out/new/model"];
  return {
    env: { DENO_DIR: await denoFolder() },
    scenes: [
      { name: "train", ...train },
      {
        name: "pull",
        verb: "pull",
        args: ["org/tiny"],
        env: { HF_ENDPOINT: hub.hub.endpoint },
      },
      {
        name: "push",
        verb: "push",
        args: [at("model"), "org/tiny", "--base-model", "org/base", "--yes"],
        get env() {
          return { HF_ENDPOINT: target.hub.endpoint, HF_TOKEN: TOKEN };
        },
        begin: async () => {
          await target.hub[Symbol.asyncDispose]();
          target.hub = new LoopbackHubCommits();
        },
        elsewhere: () => pushedFiles(target.hub),
      },
      {
        name: "export over an older one",
        verb: "export",
        args: [at("model"), ...exported, "--dtype", "float16"],
        begin: async (out) => {
          await Deno.mkdir(join(out, "new/model"), { recursive: true });
          await Deno.writeTextFile(join(out, "new/model/export.json"), "{}");
          await Deno.writeTextFile(join(out, "new/model/config.json"), "{}");
        },
      },
      {
        name: "data convert",
        verb: "data",
        args: [
          ...["convert", at("many.jsonl"), "--to", "llamafactory"],
          ...["--unpair", "--out", "out/rows.jsonl"],
        ],
      },
      {
        name: "evaluate",
        verb: "evaluate",
        args: [
          ...[...model, ...pairs, "--reference", at("model")],
          ...["--rows", "out/new/rows.jsonl"],
        ],
      },
      {
        name: "generate",
        verb: "generate",
        args: [
          ...[...model, "--prompt", "Hi", "--samples", "40"],
          "--temperature",
          "1",
          ...["--max-new-tokens", "20", "--out", "out/new/answers.jsonl"],
        ],
      },
      { name: "train --full", ...train, args: [...train.args, "--full"] },
      {
        name: "export",
        verb: "export",
        args: [at("model"), ...exported],
      },
      {
        name: "losses atlas",
        verb: "losses",
        args: ["atlas", "--out", "out/pages"],
      },
    ],
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await target.hub[Symbol.asyncDispose]();
    },
  };
}

async function putModel(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  await writeByteTokenizer(folder);
  await putJson(join(folder, "config.json"), {
    ...TINY,
    "vocab_size": baseSize,
    "max_position_embeddings": 256,
  });
  const tensors = randomized(await tensorsFor(folder));
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
}

async function putPairs(path: string, rows: number): Promise<void> {
  const rng = new Rng("pairs");
  const words = ["yes", "no", "perhaps", "surely", "never"];
  const text = () =>
    Array.from(
      { length: 1 + rng.integer(6) },
      () => words[rng.integer(words.length)],
    ).join(" ");
  const lines = Array.from({ length: rows }, (_, i) =>
    JSON.stringify({
      prompt: `${i}: ${text()}?`,
      chosen: ` ${text()}.`,
      rejected: ` ${text()}!`,
    }) + "\n");
  await Deno.writeTextFile(path, lines.join(""));
}

async function* slowly(bytes: Uint8Array) {
  const size = Math.max(1, Math.ceil(bytes.length / 10));
  for (let from = 0; from < bytes.length; from += size) {
    yield bytes.subarray(from, from + size);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN));
  }
}

function pushedFiles(hub: LoopbackHubCommits): Record<string, string> {
  const repo = hub.repos.get("org/tiny");
  if (!repo) return {};
  const files = [...hub.files("org/tiny")].map(([path, { bytes }]) =>
    [`hub/${path}`, new TextDecoder().decode(bytes)] as const
  );
  return Object.fromEntries([
    ...files,
    ["hub commits", `${repo.commits.size}`],
  ]);
}
