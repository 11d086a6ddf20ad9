import type { RunRecord } from "../record.ts";
import type { Json } from "../record/canonical_json.ts";
import { codeBlock, section } from "./markdown.ts";
import { fieldsOf } from "./settings.ts";

/** What a card tells of how to load. */
export interface Loading {
  /** Where it lies, `org/name`. */
  readonly repo: string;
  readonly kind: "adapter" | "model";
  /** The model that an adapter belongs to: `org/name`, or else null. */
  readonly base:
    | { readonly repo: string; readonly commit: string | null }
    | null;
  readonly hasTokenizer: boolean;
}

/** How to load it in Python, and here. */
export function usageSection(loading: Loading): string {
  const { repo, kind, base, hasTokenizer } = loading;
  const model = kind === "model"
    ? repo
    : base === null
    ? "BASE_MODEL"
    : base.repo + (base.commit === null ? "" : `@${base.commit}`);
  const adapter = kind === "adapter" ? ` --adapter ${quoted(repo)}` : "";
  return section(
    "Use",
    codeBlock("python", pythonLines(loading).join("\n")),
    hasTokenizer
      ? codeBlock(
        "sh",
        `deno task generate --model ${quoted(model)}${adapter} --prompt "..."`,
      )
      : "",
  );
}

function pythonLines({ repo, kind, base, hasTokenizer }: Loading): string[] {
  const at = JSON.stringify(repo);
  const from = JSON.stringify(
    kind === "model" ? repo : base?.repo ?? "BASE_MODEL",
  );
  const revision = kind === "adapter" && base?.commit
    ? `, revision=${JSON.stringify(base.commit)}`
    : "";
  const load = `AutoModelForCausalLM.from_pretrained(${from}${revision})`;
  return [
    ...kind === "adapter" ? ["from peft import PeftModel"] : [],
    `from transformers import AutoModelForCausalLM${
      hasTokenizer ? ", AutoTokenizer" : ""
    }`,
    "",
    ...hasTokenizer
      ? [`tokenizer = AutoTokenizer.from_pretrained(${from}${revision})`]
      : [],
    ...kind === "adapter" && base === null
      ? ["# BASE_MODEL: what the adapter was trained on, see above"]
      : [],
    ...kind === "adapter"
      ? [`base = ${load}`, `model = PeftModel.from_pretrained(base, ${at})`]
      : [`model = ${load}`],
  ];
}

/** How to make the run again, and what made it. */
export function reproductionSection(record: RunRecord): string {
  const { provenance, model, settings, objective } = record;
  const places: Record<string, Json | undefined> = {
    "model": model.source,
    "data": settings["data"],
    "eval-data": settings["evalData"],
    "init-adapter": fieldsOf(settings["tuning"])["adapter"],
    "loss": objective?.code ? settings["loss"] : null,
  };
  const flags = Object.entries(places).flatMap(([name, place]) =>
    typeof place === "string" ? [`--${name} ${quoted(place)}`] : []
  );
  const commands = [
    ...provenance === null ? [] : [`git checkout ${provenance.commit}`],
    ["deno task reproduce run.json", ...flags].join(" \\\n  "),
  ];
  return section(
    "Reproduce",
    "`run.json` and `metrics.jsonl` of this repository are the whole record. In a checkout of prefgrad with both in one folder, and with the names of files replaced by where they lie now, this runs it again and compares every number:",
    codeBlock("sh", commands.join("\n")),
    provenance === null
      ? "It was not made from a checkout, so its exact source is not known."
      : provenance.dirty
      ? "The checkout had changes that were not committed, so the commit alone does not say everything."
      : "",
  );
}

/** A word of a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
