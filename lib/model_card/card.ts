import { basename } from "node:path";
import { isRepoName } from "../hub/repo.ts";
import type { RunRecord } from "../record/record.ts";
import type { Json } from "../record/canonical_json.ts";
import type { MetricsRow } from "../record/metrics.ts";
import {
  dataSection,
  fieldsOf,
  hubSource,
  lossNames,
  machineSection,
  objectiveName,
  objectiveSection,
  results,
  settingsSection,
} from "./sections.ts";
import {
  code,
  count,
  figure,
  type FrontMatter,
  frontMatter,
  section,
  table,
  words,
} from "./markdown.ts";
import { type Loading, reproductionSection, usageSection } from "./usage.ts";

/** A run, of which a card tells. */
export interface CardRun {
  readonly record: RunRecord;
  readonly rows: readonly MetricsRow[];
  /** Path in the repository of the picture of its curves, if there is one. */
  readonly figure: string | null;
}

/** What a card is of. */
export interface CardSubject {
  /** Where it goes: `org/name`. */
  readonly repo: string;
  readonly kind: Loading["kind"];
  /** The base model, as `adapter_config.json` or somebody names it. */
  readonly baseModel: string | null;
  /** Null where nothing is known of how it came about. */
  readonly run: CardRun | null;
}

/**
 * The README.md of a repository on the Hub, from a run's record alone: what
 * the Hub reads (https://huggingface.co/docs/hub/model-cards) and what a
 * reader wants to know. What is not known, such as the licence, is not said.
 */
export function modelCard(subject: CardSubject): string {
  const { repo, kind, run } = subject;
  const base = baseOf(subject);
  const hasTokenizer = run === null || run.record.model.tokenizer !== null;
  return [
    frontMatter(metadata(subject, base)),
    `# ${words(repo.split("/").at(-1)!)}`,
    summary(subject, base),
    ...run === null ? [] : [results(run.record, run)],
    usageSection({ repo, kind, base: base?.hub ?? null, hasTokenizer }),
    ...run === null ? [] : recordSections(run.record),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

/** What was trained. */
interface Base {
  readonly name: string;
  /** Null where it is not known to be on the Hub. */
  readonly hub: Loading["base"];
}

/** The record knows best, then who pushes, then the adapter. */
function baseOf({ baseModel, run }: CardSubject): Base | null {
  const source = run?.record.model.source ?? null;
  const hub = hubSource(source ?? "");
  if (hub !== null) return { name: source!, hub };
  const isId = baseModel !== null && baseModel !== source &&
    isRepoName(baseModel);
  if (isId) return { name: baseModel, hub: { repo: baseModel, commit: null } };
  const name = source ?? baseModel;
  return name === null ? null : { name: basename(name), hub: null };
}

/** What loads it, as the Hub calls that. */
const LIBRARIES: Readonly<Record<CardSubject["kind"], string>> = {
  adapter: "peft",
  model: "transformers",
  onnx: "transformers.js",
};

function metadata({ kind, run }: CardSubject, base: Base | null): FrontMatter {
  const { data = [], objective = null, settings = {} } = run?.record ?? {};
  const datasets = data.flatMap(({ source }) => hubSource(source)?.repo ?? []);
  const isLora = kind === "adapter" ||
    run !== null && !isFull(settings["tuning"]);
  return {
    "base_model": base?.hub?.repo ?? null,
    "base_model_relation": base?.hub
      ? kind === "adapter" ? "adapter" : "finetune"
      : null,
    "datasets": [...new Set(datasets)],
    "library_name": LIBRARIES[kind],
    "pipeline_tag": "text-generation",
    "tags": [
      ...new Set([
        "prefgrad",
        ...objective === null ? [] : ["alignment", ...lossNames(objective)],
        ...isLora ? ["lora"] : [],
      ]),
    ],
  };
}

function isFull(tuning: Json | undefined): boolean {
  return fieldsOf(tuning)["kind"] === "full";
}

/** What it is, in a sentence and a table. */
function summary({ kind, run }: CardSubject, base: Base | null): string {
  const from = base === null ? "a model" : code(base.hub?.repo ?? base.name);
  if (run === null) {
    return kind === "adapter" ? `A LoRA adapter of ${from}.` : "";
  }
  const { objective, data, settings } = run.record;
  const what = kind === "adapter"
    ? `A LoRA adapter of ${from}`
    : isFull(settings["tuning"])
    ? `All parameters of ${from}`
    : `${from} with a LoRA adapter merged into it`;
  const method = objective === null ? "" : ` with ${objectiveName(objective)}`;
  const last = run.rows.at(-1)?.step ?? 0;
  const steps = `${count(last)} ${last === 1 ? "step" : "steps"}`;
  const sources = data.filter(({ role }) => role === "train")
    .map(({ source }) => ` on ${code(source)}`);
  return `${what}, trained by prefgrad${method} for ${steps}${
    sources.join("")
  }.\n\n${originTable(run.record)}`;
}

function originTable({ model, settings, summary }: RunRecord): string {
  const { parameters: { total, trainable }, ...hashes } = model;
  const facts: Record<string, string | null> = {
    "Trained parameters": `${count(trainable)} of ${count(total)}`,
    "Base model": code(model.source),
    "its GGUF file, SHA-256": hashes.gguf ? code(hashes.gguf) : null,
    "its weights in training": heldWeights(settings, summary),
    "its weights, SHA-256": hashes.weights && code(hashes.weights),
    "its tokenizer with template, SHA-256": hashes.tokenizer &&
      code(hashes.tokenizer),
    "Initial adapter, SHA-256": hashes.adapter && code(hashes.adapter),
  };
  return table(
    ["", ""],
    Object.entries(facts).flatMap(([name, fact]) => fact ? [[name, fact]] : []),
  );
}

/** How weights in fewer bits were held, and what that cost; null for others. */
function heldWeights(
  { baseWeights }: RunRecord["settings"],
  summary: RunRecord["summary"],
): string | null {
  const { mean, largest } = fieldsOf(summary["baseWeightsError"]);
  if (typeof baseWeights !== "string") return null;
  if (typeof mean !== "number" || typeof largest !== "number") return null;
  return `held in ${code(baseWeights)}, which changes log π of a token by ` +
    `${figure(mean)} on average, ${figure(largest)} at most`;
}

function recordSections(record: RunRecord): string[] {
  return [
    record.objective === null ? "" : objectiveSection(record.objective, record),
    dataSection(record),
    settingsSection(record),
    reproductionSection(record),
    machineSection(record),
    section(
      "Limits",
      "Nothing was measured but what stands here: in particular neither what the model can do otherwise, nor whether what it says is true or harmless.",
    ),
  ];
}
