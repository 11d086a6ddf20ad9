import { LOSSES } from "../losses/registry.ts";
import type { Objective, RunRecord } from "../record.ts";
import { code, codeBlock, section, words } from "./markdown.ts";
import { settingLines } from "./settings.ts";

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
