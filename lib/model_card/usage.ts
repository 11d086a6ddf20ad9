import type { RunRecord } from "../record/record.ts";
import type { Json } from "../record/canonical_json.ts";
import { codeBlock, section } from "./markdown.ts";
import { fieldsOf } from "./sections.ts";

/** How a model or adapter is loaded. */
export interface Loading {
  /** Its repository, `org/name`. */
  readonly repo: string;
  /** An ONNX model has no weights besides its graphs'. */
  readonly kind: "adapter" | "model" | "onnx";
  /** The base model of an adapter, if it is on the Hub. */
  readonly base:
    | { readonly repo: string; readonly commit: string | null }
    | null;
  readonly hasTokenizer: boolean;
}

/** The code that loads each kind. */
const USAGES: Readonly<
  Record<Loading["kind"], (loading: Loading) => readonly string[]>
> = {
  adapter: adapterUsage,
  model: modelUsage,
  onnx: onnxUsage,
};

/** Code to load and run it. */
export function usageSection(loading: Loading): string {
  return section("Use", ...USAGES[loading.kind](loading));
}

function adapterUsage({ repo, base, hasTokenizer }: Loading): string[] {
  const { repo: from, commit } = base ?? { repo: "BASE_MODEL", commit: null };
  const revision = commit && `, revision=${JSON.stringify(commit)}`;
  const source = JSON.stringify(from) + (revision ?? "");
  const python = [
    "from peft import PeftModel",
    ...pythonStart(source, hasTokenizer),
    ...base === null
      ? ["# BASE_MODEL: the model on which the adapter was trained, see above"]
      : [],
    `base = AutoModelForCausalLM.from_pretrained(${source})`,
    `model = PeftModel.from_pretrained(base, ${JSON.stringify(repo)})`,
  ];
  const model = from + (commit === null ? "" : `@${commit}`);
  const flags = `--model ${quoted(model)} --adapter ${quoted(repo)}`;
  return [pythonBlock(python), hasTokenizer ? generateBlock(flags) : ""];
}

function modelUsage({ repo, hasTokenizer }: Loading): string[] {
  const source = JSON.stringify(repo);
  const python = [
    ...pythonStart(source, hasTokenizer),
    `model = AutoModelForCausalLM.from_pretrained(${source})`,
  ];
  const flags = `--model ${quoted(repo)}`;
  return [pythonBlock(python), hasTokenizer ? generateBlock(flags) : ""];
}

function onnxUsage({ repo, hasTokenizer }: Loading): string[] {
  const source = JSON.stringify(repo);
  const lines = hasTokenizer
    ? [
      'import { pipeline } from "@huggingface/transformers";',
      "",
      `const generate = await pipeline("text-generation", ${source});`,
      "const options = { max_new_tokens: 100 };",
      'const [{ generated_text: text }] = await generate("...", options);',
    ]
    : [
      'import { AutoModelForCausalLM } from "@huggingface/transformers";',
      "",
      `const model = await AutoModelForCausalLM.from_pretrained(${source});`,
    ];
  return [codeBlock("js", lines.join("\n"))];
}

/** Imports, and the tokenizer if there is one. */
function pythonStart(source: string, hasTokenizer: boolean): string[] {
  return hasTokenizer
    ? [
      "from transformers import AutoModelForCausalLM, AutoTokenizer",
      "",
      `tokenizer = AutoTokenizer.from_pretrained(${source})`,
    ]
    : ["from transformers import AutoModelForCausalLM", ""];
}

function pythonBlock(lines: readonly string[]): string {
  return codeBlock("python", lines.join("\n"));
}

function generateBlock(flags: string): string {
  return codeBlock("sh", `deno task generate ${flags} --prompt "..."`);
}

/** The commands that repeat the run. */
export function reproductionSection(record: RunRecord): string {
  const { provenance, model, settings, objective } = record;
  const inputs: Record<string, Json | undefined> = {
    "model": model.source,
    "data": settings["data"],
    "eval-data": settings["evalData"],
    "init-adapter": fieldsOf(settings["tuning"])["adapter"],
    "loss": objective?.code ? settings["loss"] : null,
  };
  const flags = Object.entries(inputs).flatMap(([name, path]) =>
    typeof path === "string" ? [`--${name} ${quoted(path)}`] : []
  );
  const commands = [
    ...provenance === null ? [] : [`git checkout ${provenance.commit}`],
    ["deno task reproduce run.json", ...flags].join(" \\\n  "),
  ];
  return section(
    "Reproduce",
    "`run.json` and `metrics.jsonl` of this repository are the whole record. In a checkout of prefgrad with both in one folder, and with the names of files replaced by their paths, this runs it again and compares every number:",
    codeBlock("sh", commands.join("\n")),
    provenance === null
      ? "The run was not made from a checkout, so its exact source is not known."
      : provenance.dirty
      ? "The checkout had changes that were not committed, so the commit is not the whole source."
      : "",
  );
}

/** A word for a shell, quoted if need be. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
