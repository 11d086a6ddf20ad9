import { join } from "node:path";
import type { LoopbackFiles, LoopbackRepo } from "./loopback_files.ts";
import { loopbackHub } from "./loopback_hub.ts";

export const OLD = "0".repeat(40);
export const COMMIT = "1".repeat(40);
export const WEIGHTS = "w".repeat(300_000);
export const MODEL: Record<string, string> = {
  "README.md": "# Tiny",
  "config.json": '{"model_type":"llama"}',
  "model.safetensors": WEIGHTS,
  "modeling_tiny.py": "import os",
  "onnx/": "",
  "onnx/model.onnx": "graph",
  "pytorch_model.bin": "pickle",
  "special_tokens_map.json": "",
  "tokenizer.json": "{}",
};
/** The files that a model needs. */
export const NEEDED = [
  "config.json",
  "model.safetensors",
  "special_tokens_map.json",
  "tokenizer.json",
];
const DATA: LoopbackFiles = {
  "data/test.jsonl": '{"n":1}\n',
  "data/train-0.jsonl": '{"n":2}\n',
  "data/train-1.jsonl": '{"n":3}\n',
  "README.md": "# Pairs",
};

/**
 * A fresh Hub with the model org/tiny and the data set org/pairs, an empty
 * cache, and options that go with them, in which waits take no time.
 */
export async function tinyHub(env: Record<string, string> = {}) {
  const home = await Deno.makeTempDir();
  const model: LoopbackRepo = {
    refs: { main: COMMIT, "refs/pr/1": OLD },
    commits: { [COMMIT]: MODEL, [OLD]: { ...MODEL, "config.json": "{}" } },
  };
  const pairs = oneCommit(DATA);
  const repos: Record<string, LoopbackRepo> = {
    "models/org/tiny": model,
    "datasets/org/pairs": pairs,
  };
  const hub = loopbackHub(repos);
  const waits: number[] = [];
  return {
    hub,
    /** All repositories, to which others may be added. */
    repos,
    model,
    pairs,
    home,
    /** The folder of org/tiny. */
    cache: join(home, "hub", "models--org--tiny"),
    env: { HF_ENDPOINT: hub.endpoint, HF_HOME: home, ...env },
    /** Milliseconds of each wait. */
    waits,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

export type TinyHub = Awaited<ReturnType<typeof tinyHub>>;

/** A repository with one commit. */
export function oneCommit(files: LoopbackFiles): LoopbackRepo {
  return { refs: { main: COMMIT }, commits: { [COMMIT]: files } };
}

/** The files in a folder. */
export const names = (folder: string) =>
  Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
