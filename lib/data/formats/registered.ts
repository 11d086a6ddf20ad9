import {
  type Mismatch,
  shown,
  unreadable,
  valueError,
} from "../containers/reading.ts";
import type { MessageTags } from "../messages.ts";
import type { Format } from "./format.ts";
import { alpaca, type Columns, sharegpt } from "./llamafactory.ts";
import { isObject } from "../../files/values.ts";

type Fields = Readonly<Record<string, unknown>>;

/** An entry of a registry. */
export interface Entry {
  readonly name: string;
  /** The registry's file. */
  readonly path: string;
  readonly fields: Fields;
}

/** Columns, and their names where an entry does not state them. */
const COLUMNS = {
  prompt: "instruction",
  query: "",
  response: "output",
  history: "",
  messages: "conversations",
  system: "",
  tools: "",
  chosen: "",
  rejected: "",
  ["kto_tag"]: "",
};

/** Columns that may have no name, and are not read then. */
const NAMELESS = Object.entries(COLUMNS).filter(([, name]) => name === "")
  .map(([column]) => column);

/** Columns for models that see or hear. */
const MEDIA = ["images", "videos", "audios"];

/** Tags of messages, and their values where an entry does not state them. */
const TAGS = {
  ["role_tag"]: "from",
  ["content_tag"]: "value",
  ["user_tag"]: "human",
  ["assistant_tag"]: "gpt",
  ["observation_tag"]: "observation",
  ["function_tag"]: "function_call",
  ["system_tag"]: "system",
};

/** Tags of OpenAI's messages, the same for every entry that states this form. */
const OPENAI_TAGS: typeof TAGS = {
  ["role_tag"]: "role",
  ["content_tag"]: "content",
  ["user_tag"]: "user",
  ["assistant_tag"]: "assistant",
  ["observation_tag"]: "tool",
  ["function_tag"]: "function_call",
  ["system_tag"]: "system",
};

/** Layouts that an entry may state. */
const FORMATTINGS = ["alpaca", "sharegpt", "openai"];

/** Keys of an entry. */
const KEYS = [
  "file_name",
  "hf_hub_url",
  "ms_hub_url",
  "om_hub_url",
  "subset",
  "split",
  "folder",
  "num_samples",
  "revision",
  "formatting",
  "ranking",
  "columns",
  "tags",
];

function locationOf({ name, path }: Entry): string {
  return `"${name}" of ${path}`;
}

/** The error of an entry. */
export function entryError(
  entry: Entry,
  what: string,
  { cause }: ErrorOptions = {},
): Error {
  return unreadable(locationOf(entry), what, cause);
}

/**
 * The format that an entry of `dataset_info.json` describes; `null` where it
 * describes no preferences. As in LLaMA-Factory, optional columns that are not
 * listed are not read.
 *
 * @throws an error that names registry, entry and field.
 */
export function entryFormat(entry: Entry): Format | null {
  const { formatting = "alpaca" } = entry.fields;
  const ranking = entry.fields.ranking ?? false;
  if (!FORMATTINGS.includes(formatting as string)) {
    const expected = '"alpaca", "sharegpt" or "openai"';
    throw mismatch(entry, {
      field: "formatting",
      actual: formatting,
      expected,
    });
  }
  if (typeof ranking !== "boolean") {
    const expected = "true or false";
    throw mismatch(entry, { field: "ranking", actual: ranking, expected });
  }
  const columns = readColumns(entry);
  const kind = kindOf(entry, { ranking, columns });
  if (kind === null) return null;
  refuseUnknown(entry);
  refuseMedia(entry);
  const name = `${entry.name} of dataset_info.json`;
  return formatting === "alpaca"
    ? alpaca(name, { kind, columns })
    : sharegpt(name, { kind, columns, tags: readTags(entry) });
}

function kindOf(
  entry: Entry,
  { ranking, columns }: { ranking: boolean; columns: Columns },
): "pairs" | "labels" | null {
  const { chosen, rejected, verdict } = columns;
  if (!ranking) return verdict === "" ? null : "labels";
  if (verdict !== "") {
    const expected = 'absent where "ranking" is true';
    throw mismatch(entry, {
      field: "columns.kto_tag",
      actual: verdict,
      expected,
    });
  }
  for (const [name, actual] of Object.entries({ chosen, rejected })) {
    if (actual !== "") continue;
    const expected = 'the name of a column, as "ranking" is true';
    throw mismatch(entry, {
      field: `columns.${name}`,
      actual: undefined,
      expected,
    });
  }
  return "pairs";
}

function readColumns(entry: Entry): Columns {
  const { kto_tag: verdict, ...columns } = readNames(entry, "columns", COLUMNS);
  const orNull = (name: string) => name === "" ? null : name;
  return {
    ...columns,
    verdict,
    query: (entry.fields.columns ?? null) === null
      ? "input"
      : orNull(columns.query),
    history: orNull(columns.history),
    system: orNull(columns.system),
    tools: orNull(columns.tools),
  };
}

function refuseMedia(entry: Entry): void {
  const columns = Object(entry.fields.columns) as Fields;
  const actual = MEDIA.find((name) => (columns[name] || null) !== null);
  if (actual === undefined) return;
  throw entryError(entry, `expected columns of text, found ${actual}`);
}

/** @throws Error for a key whose meaning is not known, or for code. */
function refuseUnknown(entry: Entry): void {
  const unknown = Object.keys(entry.fields).find((key) => !KEYS.includes(key));
  if (unknown === undefined) return;
  const expected = KEYS.join(", ");
  throw entryError(
    entry,
    `unknown key ${shown(unknown)}; expected ${expected}`,
  );
}

function readTags(entry: Entry): MessageTags {
  const usual = entry.fields.formatting === "openai" ? OPENAI_TAGS : TAGS;
  const tags = readNames(entry, "tags", usual);
  const roles: [string, string][] = [
    [tags.system_tag, "system"],
    [tags.user_tag, "user"],
    [tags.assistant_tag, "assistant"],
    [tags.function_tag, "assistant"],
    [tags.observation_tag, "tool"],
  ];
  const seen = new Map<string, string>();
  for (const [tag, role] of roles) {
    if ((seen.get(tag) ?? role) !== role) {
      const what = `expected one role for the tag ${shown(tag)}`;
      throw entryError(entry, `${what}, found ${seen.get(tag)} and ${role}`);
    }
    seen.set(tag, role);
  }
  return { role: tags.role_tag, content: tags.content_tag, roles: seen };
}

/** The names that an entry states in an object, else the canonical ones. */
function readNames<T extends Record<string, string>>(
  entry: Entry,
  field: "columns" | "tags",
  canonical: T,
): T {
  const stated = entry.fields[field] ?? {};
  if (!isObject(stated)) {
    throw mismatch(entry, { field, actual: stated, expected: "an object" });
  }
  const names: Record<string, string> = { ...canonical };
  for (const [key, actual] of Object.entries(stated)) {
    if (field === "columns" && MEDIA.includes(key)) continue;
    if (!Object.hasOwn(canonical, key)) {
      const known = Object.keys(canonical).join(", ");
      const what = `unknown key ${shown(key)} in "${field}"`;
      throw entryError(entry, `${what}; expected ${known}`);
    }
    if (actual === null) continue;
    // An empty name is none, as in LLaMA-Factory.
    if (actual === "" && NAMELESS.includes(key)) {
      names[key] = "";
      continue;
    }
    if (typeof actual !== "string" || actual === "") {
      const expected = "a name";
      throw mismatch(entry, { field: `${field}.${key}`, actual, expected });
    }
    names[key] = actual;
  }
  return names as T;
}

function mismatch(entry: Entry, value: Mismatch): Error {
  return valueError({ location: locationOf(entry) }, value);
}
