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

/** A path that is of use on one machine only. */
const LOCAL_PATH = /^([/~\\]|[A-Za-z]:|\.)/;

/** The files of a folder for the Hub, with its model card. */
export interface PushSource extends Pick<Pushable, "kind"> {
  readonly contents: ReadonlyMap<string, PushContent>;
  readonly card: string;
  /** Warnings to the user. */
  readonly warnings: readonly string[];
}

export interface PushSourceOptions {
  /** The repository, `org/name`. */
  repo: string;
  /** The folder of the run that made it. @default the folder, if it is a run */
  run?: string;
  /** The id of the base model. @default by the record or the adapter */
  baseModel?: string;
}

/**
 * Collects the files of a run, an adapter or a model for the Hub.
 *
 * @throws Error if the folder is none of them, has a link out of it, differs
 * from its record, or its adapter names a path of this machine.
 */
export async function pushSource(
  folder: string,
  { repo, run, baseModel }: PushSourceOptions,
): Promise<PushSource> {
  const { kind, files, cardRun } = await filesToPush(folder, run);
  const contents = new Map<string, PushContent>(
    Array.from(files, ([name, path]) => [name, pathToFileURL(path)]),
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
      "the card does not say how it was made: name the training run with --run",
    ],
  ];
  return { kind, contents, card, warnings };
}

interface FilesToPush extends Pushable {
  /** The run that made it; null if unknown. */
  readonly cardRun: CardRun | null;
}

/** The files of a folder and of the run that made it, checked against its record. */
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
  await checkRecorded(cardRun, { files, trained });
  return { kind, files, cardRun };
}

/** Fields in which transformers keeps the path of a model. */
const PATH_FIELDS: Readonly<Record<string, string>> = {
  "config.json": "_name_or_path",
  "tokenizer_config.json": "name_or_path",
};

/** Warns of fields that name folders of this machine. */
async function localPathWarnings(
  files: ReadonlyMap<string, string>,
): Promise<string[]> {
  const warnings = Object.entries(PATH_FIELDS).map(async ([name, field]) => {
    const path = files.get(name);
    if (path === undefined) return [];
    const value = (await openConfig(path)).values[field];
    if (typeof value !== "string" || !LOCAL_PATH.test(value)) return [];
    return [`${path} names a path of this machine: "${field}" is "${value}"`];
  });
  return (await Promise.all(warnings)).flat();
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

/** Checks files by their hashes: a card must not describe another run. */
async function checkRecorded(
  { record: { artifacts } }: CardRun,
  { files, trained }: {
    files: ReadonlyMap<string, string>;
    /** The run's folder whose weights these are; none for an exported model. */
    trained: readonly string[];
  },
): Promise<void> {
  for (const [path, expected] of Object.entries(artifacts)) {
    const [name, folder] = path.split("/").reverse();
    if (folder !== undefined && !trained.includes(folder)) continue;
    const file = files.get(name!);
    const actual = file === undefined ? "missing" : await sha256File(file);
    if (actual === expected) continue;
    throw new Error(
      `Cannot push ${path} of the run: its SHA-256 is ${actual}, expected ${expected} as in run.json`,
    );
  }
}

interface PushedConfig {
  readonly content: PushContent;
  /** The base model that it names. */
  readonly base: string;
  readonly warnings: readonly string[];
}

/** An adapter's configuration, with the base model that is to be named. */
async function adapterConfig(
  path: string,
  baseModel: string | undefined,
): Promise<PushedConfig> {
  const config = await openConfig(path);
  const base = baseModel ?? config.text("base_model_name_or_path");
  if (LOCAL_PATH.test(base)) {
    throw new Error(
      `Cannot push ${path}: base_model_name_or_path is "${base}", a path of this machine; name a model on the Hub with --base-model`,
    );
  }
  const named = {
    ...config.values,
    "base_model_name_or_path": base,
    "revision": null, // that of the model which is not named any more
  };
  return {
    content: baseModel === undefined
      ? pathToFileURL(path)
      : new Blob([JSON.stringify(named, null, 2) + "\n"]),
    base,
    warnings: isRepoName(base) ? [] : [
      `others cannot find the base model "${base}" of adapter_config.json: name one on the Hub with --base-model`,
    ],
  };
}
