import {
  basename,
  dirname,
  isAbsolute,
  join,
  normalize,
  relative,
  sep,
} from "node:path";
import { isDeepStrictEqual } from "node:util";
import { shown, unreadable } from "./containers/reading.ts";
import type { Format } from "./formats/format.ts";
import { type Entry, entryError, entryFormat } from "./formats/registered.ts";
import { refuseStandIn } from "../files/stand_in.ts";
import { orNull } from "../files/missing.ts";
import { isObject, reasonOf } from "../files/values.ts";

/** One dataset of a registry. */
export interface DatasetEntry {
  readonly name: string;
  /**
   * A file or folder that is there, below the registry's folder, or a dataset
   * of the Hub, `ID[@REVISION][:FOLDER/SUBSET/SPLIT]`, which is not fetched here.
   */
  readonly location: string;
  /** Number of its rows to read, the first ones. @default all */
  readonly limit?: number;
  readonly format: Format;
}

/** LLaMA-Factory's registry of datasets. */
export interface DatasetInfo {
  /** Names of all datasets, those without preferences too. */
  readonly names: readonly string[];
  /**
   * Reads one entry, the only one that is checked: a registry may list a hundred.
   *
   * @throws an error that names the entry and its field: no such name, no
   * preferences, an unknown column or tag, images; a file that is missing or,
   * by its name or through links, not below the registry's folder.
   */
  entry(name: string): Promise<DatasetEntry>;
}

const FILE = "dataset_info.json";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads LLaMA-Factory's `dataset_info.json`,
 * https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md.
 *
 * @throws an error that names the file when it is not an object of objects.
 */
export async function readDatasetInfo(path: string): Promise<DatasetInfo> {
  const entries = await readEntries(path);
  if (entries === null) {
    throw unreadable(
      path,
      "it is Hugging Face's description of a dataset, expected a registry of " +
        "LLaMA-Factory",
    );
  }
  return {
    names: [...entries.keys()],
    async entry(name) {
      const fields = entries.get(name);
      if (!fields) {
        const known = [...entries.keys()].slice(0, 20).join(", ") || "none";
        throw unreadable(path, `no dataset "${name}"; found ${known}`);
      }
      const entry = { path, name, fields };
      const format = entryFormat(entry);
      if (format) {
        const location = await locationOf(entry);
        return { name, location, ...limitOf(entry), format };
      }
      throw entryError(
        entry,
        'expected preferences ("ranking": true, or a "kto_tag" column), found none',
      );
    },
  };
}

/**
 * The dataset that `DIR/dataset_info.json:NAME` names; `null` for references of
 * another form.
 *
 * @throws what {@linkcode readDatasetInfo} and its `entry()` throw.
 */
export async function registeredDataset(
  reference: string,
): Promise<DatasetEntry | null> {
  const parts = reference.match(/^(.*dataset_info\.json):([^/\\]+)$/s);
  if (!parts || basename(parts[1]!) !== FILE) return null;
  const info = await readDatasetInfo(parts[1]!);
  return info.entry(parts[2]!);
}

/**
 * Makes a function that gives the format which a `dataset_info.json` in the
 * folder of a file states for it: `null` where there is none, or where it has
 * no preferences for that file. Each folder's registry is read once.
 *
 * The function throws an error that names the registry and its entry: one that
 * cannot be used, or several that differ.
 */
export function formatsBeside(): (path: string) => Promise<Format | null> {
  const registries = new Map<string, ReturnType<typeof entriesIn>>();
  return async (path) => {
    if (basename(path) === FILE) return null;
    const folder = dirname(path);
    const entries = registries.get(folder) ?? entriesIn(folder);
    registries.set(folder, entries);
    return statedFormat(path, await entries);
  };
}

/**
 * Entries of a folder's registry; none where it has no registry, or a file of
 * Hugging Face's of that name.
 */
async function entriesIn(folder: string): Promise<Map<string, Fields>> {
  const path = join(folder, FILE);
  const isThere = (await orNull(Deno.stat(path)))?.isFile;
  return isThere ? await readEntries(path) ?? new Map() : new Map();
}

function statedFormat(
  path: string,
  entries: ReadonlyMap<string, Fields>,
): Format | null {
  const registry = join(dirname(path), FILE);
  const described = [...entries]
    .map(([name, fields]) => ({ path: registry, name, fields }))
    .filter(({ fields }) => isOf(fields, basename(path)))
    .flatMap((entry) => {
      const format = entryFormat(entry);
      return format === null ? [] : [{ entry, format }];
    });
  const [first, ...others] = described;
  const other = others.find(({ entry }) =>
    !isDeepStrictEqual(layoutOf(entry), layoutOf(first!.entry))
  );
  if (!other) return first?.format ?? null;
  const names = `"${first!.entry.name}" and "${other.entry.name}"`;
  throw unreadable(
    path,
    `expected one format for it in ${registry}, found those of ${names}; ` +
      `${registry}:${other.entry.name} names one`,
  );
}

function isOf({ file_name: file, hf_hub_url: hub }: Fields, name: string) {
  return !hub && typeof file === "string" && normalize(file) === name;
}

function layoutOf({ fields }: Entry): Fields {
  const { formatting, ranking, columns, tags } = fields;
  return { formatting, ranking, columns, tags };
}

/** Keys of the description that `datasets` writes beside its rows. */
const DESCRIPTION = [
  "features",
  "citation",
  "homepage",
  "license",
  "splits",
  "builder_name",
  "dataset_name",
];

function isDescription(registry: Fields): boolean {
  return DESCRIPTION.filter((key) => key in registry).length >= 2;
}

/** The entries of a registry; `null` for a description of Hugging Face's. */
async function readEntries(path: string): Promise<Map<string, Fields> | null> {
  let registry: unknown;
  try {
    await refuseStandIn(path);
    registry = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw unreadable(path, reasonOf(cause), cause);
  }
  if (!isObject(registry)) {
    throw unreadable(path, `expected an object, found ${shown(registry)}`);
  }
  if (isDescription(registry)) return null;
  const entries = new Map<string, Fields>();
  for (const [name, fields] of Object.entries(registry)) {
    if (!isObject(fields)) {
      const found = shown(fields);
      throw unreadable(
        path,
        `expected "${name}" to be an object, found ${found}`,
      );
    }
    entries.set(name, fields);
  }
  return entries;
}

async function locationOf(entry: Entry): Promise<string> {
  const { hf_hub_url: id, folder, subset, split, revision } = entry.fields;
  const { file_name: file } = entry.fields;
  if (isText(id)) {
    const version = isText(revision) ? `@${revision}` : "";
    const part = [folder, subset, split].filter(isText).join("/");
    return id + version + (part ? `:${part}` : "");
  }
  if (isText(file)) return await pathInside(file, entry);
  throw entryError(
    entry,
    'expected "file_name" or "hf_hub_url", found neither',
  );
}

function limitOf(entry: Entry): { limit?: number } {
  const limit = entry.fields.num_samples ?? null;
  if (limit === null) return {};
  if (typeof limit === "number" && Number.isInteger(limit) && limit > 0) {
    return { limit };
  }
  throw entryError(
    entry,
    `expected "num_samples" to be a number of rows, found ${shown(limit)}`,
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

async function pathInside(file: string, entry: Entry): Promise<string> {
  const folder = dirname(entry.path);
  const path = join(folder, file);
  const outside = (found: string) =>
    entryError(
      entry,
      `expected "file_name" to be below the folder of ${FILE}, found ${found}`,
    );
  if (isAbsolute(file) || !isBelow(path, folder)) throw outside(shown(file));
  let real;
  try {
    real = await Deno.realPath(path);
  } catch (cause) {
    throw entryError(entry, reasonOf(cause), { cause });
  }
  if (isBelow(real, await Deno.realPath(folder))) return path;
  throw outside(`a link out of it, ${shown(file)}`);
}

function isBelow(path: string, folder: string): boolean {
  const [first] = relative(folder, path).split(sep);
  return first !== "" && first !== ".." && !isAbsolute(relative(folder, path));
}
