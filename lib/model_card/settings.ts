import type { RunRecord } from "../record.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { code, section, table } from "./markdown.ts";

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
