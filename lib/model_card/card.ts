import { basename } from "node:path";
import { isRepoName } from "../hub/repo.ts";
import type { RunRecord } from "../record/record.ts";
import type { Json } from "../record/canonical_json.ts";
import type { MetricsRow } from "../record/metrics.ts";
import {
  dataSection,
  fieldsOf,
  lossNames,
  machineSection,
  objectiveName,
  objectiveSection,
  settingsSection,
} from "./sections.ts";
import {
  code,
  count,
  factTable,
  figure,
  type FrontMatter,
  frontMatter,
  section,
  words,
} from "./markdown.ts";
import { resultsSection } from "./results.ts";
import { type Loading, reproductionSection, usageSection } from "./usage.ts";

/** The run that a card describes. */
export interface CardRun {
  readonly record: RunRecord;
  readonly rows: readonly MetricsRow[];
  /** Path in the repository of the picture of its curves, or null. */
  readonly figure: string | null;
}

/** The subject of a card. */
export interface CardSubject {
  /** The repository, `org/name`. */
  readonly repo: string;
  readonly kind: Loading["kind"];
  /** The base model, as `adapter_config.json` or the user names it. */
  readonly baseModel: string | null;
  /** The run that made it; null if it is unknown. */
  readonly run: CardRun | null;
}

/**
 * The README.md of a repository on the Hub, made from a run's record alone: the
 * metadata that the Hub reads (https://huggingface.co/docs/hub/model-cards) and
 * sections for a reader. Unknown facts, such as the licence, are left out.
 */
export function modelCard(subject: CardSubject): string {
  const { repo, kind, run } = subject;
  const base = baseOf(subject);
  const hasTokenizer = run === null || run.record.model.tokenizer !== null;
  return [
    frontMatter(metadata(subject, base)),
    `# ${words(repo.split("/").at(-1)!)}`,
    summary(subject, base),
    ...run === null ? [] : [resultsSection(run.record, run)],
    usageSection({ repo, kind, base: base?.hub ?? null, hasTokenizer }),
    ...run === null ? [] : recordSections(run.record),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

/** The model that was trained. */
interface Base {
  readonly name: string;
  /** Null if it is not known to be on the Hub. */
  readonly hub: Loading["base"];
}

/** The record takes precedence over the user and the adapter's configuration. */
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

/** A model or data set on the Hub, as a record names it. */
interface HubSource {
  /** `org/name` */
  readonly repo: string;
  readonly commit: string;
}

/** Reads `org/name@<commit>`; null for a name of another form. */
function hubSource(source: string): HubSource | null {
  const [, repo, commit] =
    /^(\w[\w.-]*\/\w[\w.-]*)@([0-9a-f]{40})\b/.exec(source) ?? [];
  return repo === undefined ? null : { repo, commit: commit! };
}

/** The library that loads it, by its name on the Hub. */
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

/** A sentence and a table about the model. */
function summary({ kind, run }: CardSubject, base: Base | null): string {
  const from = base === null ? "a model" : code(base.hub?.repo ?? base.name);
  if (run === null) {
    return kind === "adapter" ? `A LoRA adapter of ${from}.` : "";
  }
  const { objective, data, settings } = run.record;
  const subject = kind === "adapter"
    ? `A LoRA adapter of ${from}`
    : isFull(settings["tuning"])
    ? `All parameters of ${from}`
    : `${from} with a LoRA adapter merged into it`;
  const method = objective === null ? "" : ` with ${objectiveName(objective)}`;
  const last = run.rows.at(-1)?.step ?? 0;
  const steps = `${count(last)} ${last === 1 ? "step" : "steps"}`;
  const sources = data.filter(({ role }) => role === "train")
    .map(({ source }) => ` on ${code(source)}`);
  return `${subject}, trained by prefgrad${method} for ${steps}${
    sources.join("")
  }.\n\n${originTable(run.record)}`;
}

function originTable({ model, settings, summary }: RunRecord): string {
  const { parameters: { total, trainable }, ...hashes } = model;
  return factTable({
    "Trained parameters": `${count(trainable)} of ${count(total)}`,
    "Base model": code(model.source),
    "its GGUF file, SHA-256": hashes.gguf ? code(hashes.gguf) : null,
    "its weights in training": formatText(
      ...["held in", settings["baseWeights"]] as const,
      summary["baseWeightsError"],
    ),
    "Arithmetic of training": withGradient(
      formatText(
        ...["in", settings["precision"]] as const,
        summary["precisionError"],
      ),
      summary["gradientError"],
    ),
    "its weights, SHA-256": hashes.weights && code(hashes.weights),
    "its tokenizer with template, SHA-256": hashes.tokenizer &&
      code(hashes.tokenizer),
    "Initial adapter, SHA-256": hashes.adapter && code(hashes.adapter),
  });
}

/** A format in words with its error; null for one that has none. */
function formatText(
  before: string,
  format: RunRecord["settings"][string] | undefined,
  error: RunRecord["summary"][string] | undefined,
): string | null {
  const change = changeText(error);
  if (typeof format !== "string" || change === null) return null;
  return `${before} ${code(format)}, ${change}`;
}

/** The error of log-probabilities in words. */
function changeText(
  error: RunRecord["summary"][string] | undefined,
): string | null {
  const { mean, largest } = fieldsOf(error);
  if (typeof mean !== "number" || typeof largest !== "number") return null;
  return `which changes log π of a token by ${figure(mean)} on average, ${
    figure(largest)
  } at most`;
}

/** The error of a gradient after that of log-probabilities. */
function withGradient(
  text: string | null,
  error: RunRecord["summary"][string] | undefined,
): string | null {
  const { cosine, relative } = fieldsOf(error);
  if (typeof cosine !== "number" || typeof relative !== "number") return text;
  return text &&
    `${text}, and the first gradient by ${
      figure(relative)
    } of its norm (cosine ${figure(cosine)})`;
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
      "Only the numbers above were measured: neither other abilities of the model, nor whether its completions are true or harmless.",
    ),
  ];
}
