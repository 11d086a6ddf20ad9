import type { DataSource, Objective, RunRecord } from "../record/record.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import type { MetricsRow } from "../record/metrics.ts";
import {
  code,
  codeBlock,
  count,
  figure,
  section,
  table,
  words,
} from "./markdown.ts";
import { LOSSES } from "../losses/registry.ts";

/** Metrics worth a row, and what a reader calls them. */
const MEASURES = Object.entries({
  "loss": "Loss",
  "rewards/accuracies": "Share of pairs ranked right",
  "rewards/margins": "Reward margin, chosen − rejected",
  "rewards/chosen": "Reward of chosen completions",
  "rewards/rejected": "Reward of rejected completions",
  "logps/chosen": "log π of chosen completions",
  "logps/rejected": "log π of rejected completions",
  "kl": "KL estimate that the loss uses",
  "nll": "Negative log-likelihood",
  "oddsRatio": "Odds ratio term",
});

/** What was measured while a run went on, and what had come of it at the end. */
export function results(
  { objective, summary: { diagnostics } }: RunRecord,
  { rows, figure: picture }: {
    rows: readonly MetricsRow[];
    figure: string | null;
  },
): string {
  if (rows.length === 0) return "";
  const evaluations = evalColumns(rows);
  const columns = [...trainColumns(rows), ...evaluations];
  const lines = [...MEASURES, ...lossParts(rows)].flatMap(([name, label]) => {
    const values = columns.map(({ value }) => value(name));
    if (values.every((value) => value === null)) return [];
    return [[label, ...values.map((x) => x === null ? "–" : figure(x))]];
  });
  return section(
    "Results",
    table(["", ...columns.map(({ title }) => title)], lines),
    legend(rows[0]!, objective),
    evaluations.length > 0
      ? ""
      : "No examples were held out: these are of batches that it was trained on.",
    changeText(diagnostics),
    picture === null ? "" : `![Loss of the run](${picture})`,
  );
}

/** Parts of a sum of losses. */
function lossParts(rows: readonly MetricsRow[]): [string, string][] {
  return Object.keys(rows[0]!).filter((name) => name.startsWith("loss/"))
    .map((name) => [name, `Loss, part ${code(name.slice("loss/".length))}`]);
}

/** How to read what was measured. */
function legend(first: MetricsRow, objective: RunRecord["objective"]): string {
  const rewards = "rewards/chosen" in first
    ? [
      "Rewards are β·log(π/π_ref).",
      ...first.step === 1 && objective?.reference
        ? ["In step 1 the policy is its reference: every reward is 0."]
        : [],
    ]
    : [];
  const accuracy = "rewards/accuracies" in first
    ? [
      "A pair is ranked right where the chosen completion has the strictly greater reward.",
    ]
    : [];
  const sentences = [
    "Numbers are means over examples; log-probabilities are sums over the tokens of a completion, in nats.",
    ...rewards,
    ...accuracy,
  ];
  return sentences.join(" ");
}

interface Column {
  readonly title: string;
  /** A metric; null where it was not measured. */
  value(name: string): number | null;
}

/** The first step, and the mean of the last tenth of them. */
function trainColumns(rows: readonly MetricsRow[]): Column[] {
  const [first, last] = [rows[0]!, rows.at(-1)!];
  if (rows.length === 1) return [column(`step ${first.step}`, rows)];
  const tail = rows.slice(-Math.ceil(rows.length / 10));
  const title = tail.length === 1
    ? `step ${count(last.step)}`
    : `steps ${count(tail[0]!.step)} to ${count(last.step)}`;
  return [column(`step ${first.step}`, [first]), column(title, tail)];
}

/** The first and the last evaluation. */
function evalColumns(rows: readonly MetricsRow[]): Column[] {
  const found = rows.filter((row) => "eval/loss" in row);
  const ends = found.length > 1 ? [found[0]!, found.at(-1)!] : found;
  return ends.map((row) =>
    column(`evaluation, step ${count(row.step)}`, [row], "eval/")
  );
}

function column(
  title: string,
  rows: readonly MetricsRow[],
  prefix = "",
): Column {
  return {
    title,
    value(name) {
      const values = rows.flatMap((row) => row[prefix + name] ?? []);
      if (values.length === 0) return null;
      return values.reduce((a, b) => a + b, 0) / values.length;
    },
  };
}

/** How far completions have come since the start, by the run's diagnostics. */
function changeText(diagnostics: Json | undefined): string {
  const { on, examples, displaced, ...rest } = fieldsOf(diagnostics);
  const changes = Object.entries({
    chosenChange: "chosen completions",
    rejectedChange: "rejected completions",
    marginChange: "the margin between them",
  }).flatMap(([name, what]) => {
    const value = rest[name];
    return typeof value === "number"
      ? [`${what} by ${value < 0 ? "" : "+"}${figure(value)}`]
      : [];
  });
  if (changes.length === 0) return "";
  return `From start to end, log π changed on ${examples} ${on} examples, in nats a completion: ${
    changes.join(", ")
  }.${
    displaced === true
      ? " **Likelihood displacement**: the margin has grown, but the chosen completions have become less likely."
      : ""
  }`;
}

/** Counts that every card has; others only where they are not 0. */
const COUNTS: Readonly<Record<string, string>> = {
  rows: "rows",
  truncated: "truncated",
  dropped: "dropped",
  boundaryShifted: "boundary shifted",
};

/** The rows that went in, and what became of them. */
export function dataSection({ data }: RunRecord): string {
  if (data.length === 0) return "";
  const others = new Set(
    data.flatMap(({ counts }) =>
      Object.keys(counts).filter((name) =>
        !(name in COUNTS) && counts[name]! > 0
      )
    ),
  );
  const columns = {
    ...COUNTS,
    ...Object.fromEntries(Array.from(others, (name) => [name, name])),
  };
  const head = ["", "source", ...Object.values(columns).map(plainOrCode)];
  return section(
    "Data",
    table(
      head,
      data.map(({ role, source, counts }) => [
        role,
        code(source),
        ...Object.keys(columns).map((name) => count(counts[name] ?? 0)),
      ]),
    ),
    "Boundary shifted are rows in which tokenizing prompt and completion apart or together differs. What was trained on has, as token ids, the SHA-256",
    data.map(hashLine).join("\n"),
    data.flatMap(conversionLines).join("\n"),
  );
}

function plainOrCode(title: string): string {
  return Object.values(COUNTS).includes(title) ? title : code(title);
}

function hashLine({ role, sha256, format }: DataSource): string {
  const layout = format === undefined ? "" : `, read as ${code(format)}`;
  return `- ${code(role)}: ${code(sha256)}${layout}`;
}

/** What was made of the rows before. */
function conversionLines({ role, conversions = [] }: DataSource): string[] {
  return conversions.map(({ name, setting, counts }) => {
    const numbers = Object.entries(counts)
      .map(([what, n]) => `${code(what)} ${count(n)}`);
    return `- ${code(role)} was converted: ${code(name)} ${
      code(String(setting))
    }${numbers.length > 0 ? ` (${numbers.join(", ")})` : ""}`;
  });
}

/** What a record names by its place on the Hub. */
export interface HubSource {
  /** `org/name` */
  readonly repo: string;
  readonly commit: string;
}

/** Reads `org/name@<commit>`; null for what is not of the Hub. */
export function hubSource(source: string): HubSource | null {
  const [, repo, commit] =
    /^(\w[\w.-]*\/\w[\w.-]*)@([0-9a-f]{40})\b/.exec(source) ?? [];
  return repo === undefined ? null : { repo, commit: commit! };
}

/** With what a run computed, and what it took. */
export function machineSection(
  { environment, timings, peakMemoryBytes }: RunRecord,
): string {
  const { packages, device, precision, threads, ...rest } = environment;
  const { deno, os, cpu, cores, memoryBytes } = rest;
  const gigabytes = (bytes: number) => `${figure(bytes / 1e9)} GB`;
  const versions = Object.entries(packages)
    .map(([name, version]) => code(`${name} ${version}`));
  const facts: Record<string, string> = {
    "Device": `${code(device)}, ${code(precision)}, ${threads} threads`,
    "Processor": `${cpu === null ? "" : `${code(cpu)}, `}${cores} cores, ${
      gigabytes(memoryBytes)
    } of memory, ${code(os)}`,
    "Started": code(timings.startedAt),
    "Took": `${figure(timings.seconds)} s, at most ${
      gigabytes(peakMemoryBytes)
    } of memory`,
    "Deno": code(deno),
    "Packages": versions.join(", "),
  };
  return section(
    "Software and hardware",
    table(["", ""], Object.entries(facts)),
  );
}

/** Names of the losses that an objective adds up: `dpo+0.2*sft` has two. */
export function lossNames({ loss }: Objective): string[] {
  return loss.split("+").map((part) => part.replace(/^.*\*/, "").trim());
}

/** What an objective is, in words that link to its papers. */
export function objectiveName(objective: Objective): string {
  return lossNames(objective).map((name) => {
    const loss = LOSSES.find(({ id }) => id === name);
    const [paper] = loss?.source.match(/https:\S+/) ?? [];
    if (!loss) return `a loss of its own, ${code(name)}`;
    return paper === undefined ? loss.title : `[${loss.title}](${paper})`;
  }).join(" and ");
}

/** The exact thing that was minimised. */
export function objectiveSection(
  objective: Objective,
  { settings }: RunRecord,
): string {
  const { loss, formula, reduction, nll, kl, reference } = objective;
  const sources = lossNames(objective).flatMap((name) =>
    LOSSES.find(({ id }) => id === name)?.source ?? []
  );
  const facts: Record<string, string | null> = {
    "Loss": code(loss),
    "From": sources.join("; ") || null,
    "Of a batch": words(reduction),
    "Negative log-likelihood": nll && words(nll),
    "KL estimate": kl && words(kl),
    "Reference π_ref": reference && words(reference),
    "Own code, SHA-256": objective.code?.map(code).join(", ") ?? null,
  };
  const given = Object.entries(facts).flatMap(([name, fact]) =>
    fact === null ? [] : [`- ${name}: ${fact}`]
  );
  return section(
    "Objective",
    codeBlock("text", formula.replaceAll('"', "")),
    [...given, ...settingLines(settings["options"])].join("\n"),
  );
}

/** Settings that a card tells elsewhere. */
const ELSEWHERE = ["model", "data", "evalData", "loss", "options"];

/** How a run trained: every setting that was made. */
export function settingsSection({ settings }: RunRecord): string {
  const given = Object.entries(settings)
    .filter(([name]) => !ELSEWHERE.includes(name))
    .flatMap(([name, value]) => leaves(name, value));
  return section(
    "Training settings",
    table(["setting", "value"], given),
  );
}

/** A setting, or each of those in it, but for those that are off. */
function leaves(name: string, value: Json): [name: string, value: string][] {
  if (value === null || value === false) return [];
  if (!isFields(value)) return [[code(name), shown(value)]];
  return Object.entries(value)
    .flatMap(([part, inner]) => leaves(`${name}.${part}`, inner));
}

/** Settings as items of a list. */
export function settingLines(settings: Json | undefined): string[] {
  return Object.entries(fieldsOf(settings))
    .map(([name, value]) => `- ${code(name)}: ${shown(value)}`);
}

/** The fields of an object; none of anything else. */
export function fieldsOf(
  value: Json | undefined,
): Readonly<Record<string, Json>> {
  return isFields(value) ? value : {};
}

function isFields(
  value: Json | undefined,
): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: Json): string {
  return code(typeof value === "string" ? value : canonicalJson(value));
}
