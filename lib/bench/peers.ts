import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { cacheFolder } from "../files/cache_folder.ts";
import { orNull } from "../files/missing.ts";
import { runProgram } from "../files/program.ts";
import { reasonOf } from "../files/values.ts";
import { checkJson, COUNT } from "../record/check_json.ts";
import { PEER_PRODUCTS } from "./record.ts";

const PROGRAM = fileURLToPath(new URL("peer.py", import.meta.url));
const REQUIREMENTS = fileURLToPath(
  new URL("requirements.txt", import.meta.url),
);

/**
 * A Python with the packages of requirements.txt, in the user's cache, which is
 * made anew when they change.
 *
 * @param onNote is told before they are installed.
 * @throws Error with pip's words.
 */
export async function peerPython(
  onNote: (text: string) => void,
): Promise<string> {
  const folder = await cacheFolder("bench-peers");
  const python = join(folder, "bin", "python");
  const wanted = await Deno.readTextFile(REQUIREMENTS);
  const installed = join(folder, "requirements.txt");
  if (await orNull(Deno.readTextFile(installed)) === wanted) return python;
  onNote(`Installing TRL and PyTorch in ${folder}`);
  await output("python3", ["-m", "venv", "--clear", folder]);
  await output(python, [
    ...["-m", "pip", "install", "--quiet"],
    ...["--requirement", REQUIREMENTS],
  ]);
  await Deno.writeTextFile(installed, wanted);
  return python;
}

/** Runs a program; its output. */
async function output(
  program: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  try {
    const printed = await runProgram(program, args, { input, lines: 3 });
    return new TextDecoder().decode(printed).trim();
  } catch (cause) {
    throw new Error(
      `Cannot measure a peer by ${args.join(" ")}: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/** Results of the jobs of peer.py, each of a process of its own. */
const RESULTS = {
  train: v.object({
    ...{ load: v.number(), reference: v.number(), first: v.number() },
    ...{ steps: v.array(v.number()), peakMemoryBytes: COUNT },
  }),
  device: v.object({
    ...{ load: v.number(), seconds: v.array(v.number()) },
    ...{ allocatedBytes: v.nullable(COUNT), torch: v.string() },
    peakMemoryBytes: COUNT,
  }),
  probe: v.object({ said: v.record(v.string(), v.string()) }),
  products: v.object({ gflops: PEER_PRODUCTS }),
  generate: v.object({ tokensPerSecond: v.number() }),
  tokenize: v.object({ textsPerSecond: v.number(), tokens: COUNT }),
  versions: v.record(v.string(), v.union([v.string(), v.number()])),
};

/** The name of a job of peer.py. */
type PeerJob = keyof typeof RESULTS;

/** Does a job in a fresh process of Python. */
export async function runPeer<Name extends PeerJob>(
  python: string,
  job: Name,
  input: Readonly<Record<string, unknown>> = {},
): Promise<v.InferOutput<typeof RESULTS[Name]>> {
  const text = await output(
    python,
    [PROGRAM],
    JSON.stringify({ job, ...input }),
  );
  const result = JSON.parse(text.split("\n").at(-1)!);
  return checkJson(RESULTS[job], result, `Cannot read the result of ${job}`);
}

/** 10⁹ operations a second of PyTorch's products, by the type of numbers. */
type PeerProducts = v.InferOutput<typeof PEER_PRODUCTS>;
type PeerPrecision = keyof PeerProducts;

/** Settings of TRL under a name. */
export interface PeerSetting {
  readonly name: string;
  readonly losses: readonly string[];
  /** Type in which the model's weights are held. */
  readonly weights: PeerPrecision;
  /** Type of its products. */
  readonly products: PeerPrecision;
  /** Arguments of TRL's configuration. */
  readonly config: Readonly<Record<string, boolean>>;
  /** Whether it is measured in the first round alone. @default false */
  readonly once?: boolean;
}

const ALL = ["dpo", "kto", "orpo"];
const FLOAT32 = {
  ...{ weights: "float32", products: "float32" } as const,
  config: { bf16: false, "gradient_checkpointing": false },
};
const BFLOAT16 = {
  ...{ weights: "bfloat16", products: "bfloat16" } as const,
  config: { bf16: true, "gradient_checkpointing": false },
};
const BEFORE = { "precompute_ref_log_probs": true };

/**
 * The settings that are measured. TRL's own default, which checkpoints gradients
 * and casts to bfloat16 step by step, is slower than the others and is measured
 * once, as are others that no bar is set by.
 */
export const PEER_SETTINGS: readonly PeerSetting[] = [
  { name: "float32", losses: ALL, ...FLOAT32 },
  { name: "bfloat16", losses: ["dpo"], ...BFLOAT16 },
  {
    ...{ name: "bfloat16, reference before", losses: ["dpo"], ...BFLOAT16 },
    config: { ...BFLOAT16.config, ...BEFORE },
  },
  { name: "bfloat16", losses: ["kto", "orpo"], once: true, ...BFLOAT16 },
  {
    ...{ name: "float32, reference before", losses: ["dpo"], once: true },
    ...{ ...FLOAT32, config: { ...FLOAT32.config, ...BEFORE } },
  },
  {
    ...{ name: "default", losses: ["dpo"], once: true },
    ...{ weights: "float32", products: "bfloat16", config: {} },
  },
];

/** How much slower products may be than float32's where they are measured. */
const SLOWEST = 2;

/**
 * The settings whose products this processor has: those of bfloat16 take PyTorch
 * many times as long as float32 where no instruction makes them.
 */
export function worthwhileSettings(gflops: PeerProducts): PeerSetting[] {
  return PEER_SETTINGS.filter(({ products }) =>
    gflops[products] * SLOWEST >= gflops.float32
  );
}

/** Settings that should make TRL faster, which are tried without training. */
export const PROBES = {
  "padding_free": { "padding_free": true },
  "use_liger_kernel": { "use_liger_kernel": true },
};
