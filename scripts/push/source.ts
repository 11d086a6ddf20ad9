import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isRepoName } from "lib/hub/repo.ts";
import type { PushContent } from "lib/hub/tree.ts";
import {
  type Pushable,
  recordToPush,
  runToPush,
  weightsToPush,
} from "lib/hub/push_files.ts";
import { type CardRun, modelCard } from "lib/model_card/card.ts";
import { openConfig } from "lib/models/config_json/config_reader.ts";
import { readRecord } from "lib/record/record.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { sha256File } from "lib/record/sha256.ts";

/** A path that means something on one machine only. */
const LOCAL = /^([/~\\]|[A-Za-z]:|\.)/;

/** What a folder has for the Hub, with its model card. */
export interface PushSource extends Pick<Pushable, "kind"> {
  readonly contents: ReadonlyMap<string, PushContent>;
  readonly card: string;
  /** What whoever pushes should know. */
  readonly warnings: readonly string[];
}

export interface PushSourceOptions {
  /** Where it goes: `org/name`. */
  repo: string;
  /** Folder of the run that made it. @default the folder, if it holds one */
  run?: string;
  /** Id of the base model. @default as the record or the adapter names it */
  baseModel?: string;
}

/**
 * Reads what a folder of a run, an adapter or a model has for the Hub.
 *
 * @throws Error where it is none of them, has a link to elsewhere, is not what
 * its record says, or names a place of this machine.
 */
export async function pushSource(
  folder: string,
  { repo, run, baseModel }: PushSourceOptions,
): Promise<PushSource> {
  const { kind, files, cardRun } = await filesToPush(folder, run);
  const contents = new Map<string, PushContent>(
    Array.from(files, ([path, place]) => [path, pathToFileURL(place)]),
  );
  const adapter = kind === "adapter"
    ? await adapterConfig(files.get("adapter_config.json")!, baseModel)
    : null;
  if (adapter) contents.set("adapter_config.json", adapter.content);
  const written = files.get("README.md");
  const card = written === undefined
    ? modelCard({
      repo,
      kind,
      run: cardRun,
      baseModel: baseModel ?? adapter?.base ?? null,
    })
    : await Deno.readTextFile(written);
  contents.set("README.md", new Blob([card]));
  const warnings = [
    ...adapter?.warnings ?? [],
    ...await localPathWarnings(files),
    ...cardRun || written !== undefined ? [] : [
      "the card says nothing of how it was made: --run names the training run",
    ],
  ];
  return { kind, contents, card, warnings };
}

interface FilesToPush extends Pushable {
  /** The run that made it, or null. */
  readonly cardRun: CardRun | null;
}

/** The files of a folder and of the run that made it, which fit each other. */
async function filesToPush(
  folder: string,
  run: string | undefined,
): Promise<FilesToPush> {
  const isWeights = ["adapter_config.json", "config.json"]
    .some((name) => existsSync(join(folder, name)));
  const { kind, files: own } = isWeights
    ? await weightsToPush(folder)
    : await runToPush(folder);
  const from = run ?? (existsSync(join(folder, "run.json")) ? folder : null);
  if (from === null) return { kind, files: own, cardRun: null };
  const files = new Map([...own, ...await recordToPush(from)]);
  const cardRun = await readRun(from, files);
  const trained = kind === "adapter" || !isWeights ? [kind] : [];
  await requireRecorded(cardRun, { files, trained });
  return { kind, files, cardRun };
}

/** Fields in which transformers notes where it had read a model. */
const PATH_FIELDS: Readonly<Record<string, string>> = {
  "config.json": "_name_or_path",
  "tokenizer_config.json": "name_or_path",
};

/** Warns of fields that tell of folders of this machine. */
async function localPathWarnings(
  files: ReadonlyMap<string, string>,
): Promise<string[]> {
  const found = Object.entries(PATH_FIELDS).map(async ([name, field]) => {
    const place = files.get(name);
    if (place === undefined) return [];
    const value = (await openConfig(place)).values[field];
    if (typeof value !== "string" || !LOCAL.test(value)) return [];
    return [`${place} tells of this machine: "${field}" is "${value}"`];
  });
  return (await Promise.all(found)).flat();
}

async function readRun(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<CardRun> {
  const path = join(folder, "run.json");
  const record = await readRecord(path);
  if (record.kind !== "train") {
    throw new Error(
      `Cannot push ${path}: its kind is "${record.kind}", expected "train"`,
    );
  }
  return {
    record,
    rows: readMetrics(join(folder, "metrics.jsonl")),
    figure: files.has("figure.png") ? "figure.png" : null,
  };
}

/** A card must not tell of another run's numbers or weights. */
async function requireRecorded(
  { record: { artifacts } }: CardRun,
  { files, trained }: {
    files: ReadonlyMap<string, string>;
    /** The folder of the run that the weights are from, if they are as there. */
    trained: readonly string[];
  },
): Promise<void> {
  for (const [path, expected] of Object.entries(artifacts)) {
    const [name, folder] = path.split("/").reverse();
    if (folder !== undefined && !trained.includes(folder)) continue;
    const place = files.get(name!);
    const found = place === undefined ? "missing" : await sha256File(place);
    if (found === expected) continue;
    throw new Error(
      `Cannot push ${path} of the run: its SHA-256 is ${found}, expected ${expected} as in run.json`,
    );
  }
}

interface AdapterConfig {
  readonly content: PushContent;
  /** What it names as its base model. */
  readonly base: string;
  readonly warnings: readonly string[];
}

/** An adapter's configuration, with a base model that others can find. */
async function adapterConfig(
  path: string,
  baseModel: string | undefined,
): Promise<AdapterConfig> {
  const config = await openConfig(path);
  const base = baseModel ?? config.text("base_model_name_or_path");
  if (LOCAL.test(base)) {
    throw new Error(
      `Cannot push ${path}: base_model_name_or_path is "${base}", a place on this machine; --base-model names one on the Hub`,
    );
  }
  const named = { ...config.values, "base_model_name_or_path": base };
  return {
    content: baseModel === undefined
      ? pathToFileURL(path)
      : new Blob([JSON.stringify(named, null, 2) + "\n"]),
    base,
    warnings: isRepoName(base) ? [] : [
      `nobody else can find the base model "${base}" that adapter_config.json names: --base-model names one on the Hub`,
    ],
  };
}
