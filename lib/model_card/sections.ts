import { isObject } from "../files/values.ts";
import { LOSSES } from "../losses/registry.ts";
import type { DataSource, Objective, RunRecord } from "../record/record.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import {
  code,
  codeBlock,
  count,
  factTable,
  figure,
  section,
  table,
  words,
} from "./markdown.ts";

/** Counts that every card has; others appear only if they are not 0. */
const COUNTS: Readonly<Record<string, string>> = {
  rows: "rows",
  truncated: "truncated",
  dropped: "dropped",
  boundaryShifted: "boundary shifted",
};

/** The rows of each data set, and how many were changed or dropped. */
export function dataSection({ data }: RunRecord): string {
  if (data.length === 0) return "";
  const others = new Set(
    data.flatMap(({ counts }) =>
      Object.keys(counts).filter((name) =>
        !(name in COUNTS) && counts[name]! > 0
      )
    ),
  );
  const columns = [
    ...Object.entries(COUNTS),
    ...Array.from(others, (name) => [name, code(name)] as const),
  ];
  return section(
    "Data",
    table(
      ["", "source", ...columns.map(([, title]) => title)],
      data.map(({ role, source, counts }) => [
        role,
        code(source),
        ...columns.map(([name]) => count(counts[name] ?? 0)),
      ]),
    ),
    "In rows with a shifted boundary, tokenizing prompt and completion together gives other tokens than apart. The SHA-256 of the data, as token ids:",
    data.map(hashLine).join("\n"),
    data.flatMap(conversionLines).join("\n"),
  );
}

function hashLine({ role, sha256, format }: DataSource): string {
  const layout = format === undefined ? "" : `, read as ${code(format)}`;
  return `- ${code(role)}: ${code(sha256)}${layout}`;
}

/** The conversions of the rows before training. */
function conversionLines({ role, conversions = [] }: DataSource): string[] {
  return conversions.map(({ name, setting, counts }) => {
    const numbers = Object.entries(counts)
      .map(([name, n]) => `${code(name)} ${count(n)}`);
    return `- ${code(role)} was converted: ${code(name)} ${
      code(String(setting))
    }${numbers.length > 0 ? ` (${numbers.join(", ")})` : ""}`;
  });
}

/** Software and hardware of a run, with its time and memory. */
export function machineSection(
  { environment, timings, peakMemoryBytes }: RunRecord,
): string {
  const { packages, device, precision, threads, ...rest } = environment;
  const { deno, os, cpu, cores, memoryBytes } = rest;
  const gigabytes = (bytes: number) => `${figure(bytes / 1e9)} GB`;
  const versions = Object.entries(packages)
    .map(([name, version]) => code(`${name} ${version}`));
  const facts = {
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
  return section("Software and hardware", factTable(facts));
}

/** The names of the losses in an objective; `dpo+0.2*sft` has two. */
export function lossNames({ loss }: Objective): string[] {
  return loss.split("+").map((part) => part.replace(/^.*\*/, "").trim());
}

/** The name of an objective, with links to its papers. */
export function objectiveName(objective: Objective): string {
  return lossNames(objective).map((name) => {
    const loss = LOSSES.find(({ id }) => id === name);
    const [paper] = loss?.source.match(/https:\S+/) ?? [];
    if (!loss) return `a loss of its own, ${code(name)}`;
    return paper === undefined ? loss.title : `[${loss.title}](${paper})`;
  }).join(" and ");
}

/** The exact objective of a run. */
export function objectiveSection(
  objective: Objective,
  { settings }: RunRecord,
): string {
  const { loss, formula, reduction, nll, kl, reference } = objective;
  const sources = lossNames(objective).flatMap((name) =>
    LOSSES.find(({ id }) => id === name)?.source ?? []
  );
  const facts = {
    "Loss": code(loss),
    "From": sources.join("; ") || null,
    "Reduction over a batch": words(reduction),
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

/** Settings that other sections show. */
const ELSEWHERE = ["model", "data", "evalData", "loss", "options"];

/** All training settings of a run, except those that are off. */
export function settingsSection({ settings }: RunRecord): string {
  const given = Object.entries(settings)
    .filter(([name]) => !ELSEWHERE.includes(name))
    .flatMap(([name, value]) => leaves(name, value));
  return section(
    "Training settings",
    table(["setting", "value"], given),
  );
}

/** A setting, or each setting inside it, without those that are off. */
function leaves(name: string, value: Json): [name: string, value: string][] {
  if (value === null || value === false) return [];
  if (!isObject(value)) return [[code(name), shown(value)]];
  return Object.entries(value)
    .flatMap(([part, inner]) => leaves(`${name}.${part}`, inner));
}

/** Settings as items of a list. */
function settingLines(settings: Json | undefined): string[] {
  return Object.entries(fieldsOf(settings))
    .map(([name, value]) => `- ${code(name)}: ${shown(value)}`);
}

/** The fields of a JSON object; none for any other value. */
export function fieldsOf(
  value: Json | undefined,
): Readonly<Record<string, Json>> {
  return isObject(value) ? value : {};
}

function shown(value: Json): string {
  return code(typeof value === "string" ? value : canonicalJson(value));
}
