/**
 * Picks the files of a repository that a model or a data set needs: data, never
 * code, so no `.py`, `.bin` or `.pt`.
 */

/** The files beside a model's weights. */
const MODEL_ABOUT = new RegExp(
  "^((config|generation_config|special_tokens_map|adapter_config" +
    "|tokenizer[^/]*|chat_template)\\.json|chat_template\\.jinja)$",
);
/** Chat templates besides the default one. */
const NAMED_TEMPLATE = /^additional_chat_templates\/[^/]+\.jinja$/;
/** `consolidated*.safetensors` hold the weights once more, in another layout. */
const SAFETENSORS = /^(?!consolidated)[^/]+\.safetensors(\.index\.json)?$/;
/** Graphs, and the weights beside them. */
const ONNX = /^onnx\/[^/]+\.onnx(_data(_\d+)?)?$/;
const GGUF = /\.gguf$/i;
const DATA_FILE = /\.(jsonl?|ndjson|csv|tsv|parquet(?!\.))(\.gz|\.zst)?$/i;
/** Files of a data set without rows: descriptions, and hidden files. */
const DATA_ABOUT =
  /(^|\/)((dataset_infos?|state|dataset_dict)\.json$|README|\.)/;
/**
 * Names of splits, whole words: `train_prefs` is another one than `train_sft`,
 * where `train_part` and `train_data` are `train`.
 */
const SPLIT =
  /(?<![a-z])(?:train(?:ing)?|val(?:id(?:ation)?)?|dev|test(?:ing)?|eval(?:uation)?)(?:_(?!(?:part|shard|chunk|data|set|file|rows)[a-z]*(?![a-z]))[a-z]{2,})*(?![a-z])/gi;

/** Options for {@linkcode modelFiles}. */
export interface ModelFilesOptions {
  /** The only part of a model that is needed. @default all that runs it */
  only?: "tokenizer" | undefined;
}

/**
 * The paths of a model's files: config, tokenizer, chat template, weights or
 * adapter.
 *
 * @param location names the repository or folder in errors.
 * @throws if the config or the weights are missing, or the tokenizer where only
 * that is needed.
 */
export function modelFiles(
  paths: readonly string[],
  location: string,
  { only }: ModelFilesOptions = {},
): string[] {
  const about = paths.filter(isAbout).sort();
  if (only === "tokenizer") {
    if (about.includes("tokenizer.json")) return about;
    throw new Error(
      `Cannot find tokenizer.json in ${location}: it has ${list(paths)}`,
    );
  }
  requireConfig(paths, location);
  const weights = paths.filter((path) => SAFETENSORS.test(path));
  if (weights.length > 0) return [...about, ...weights].sort();
  throw new Error(
    `Cannot find weights in ${location}: expected *.safetensors, it has ${
      list(paths)
    }`,
  );
}

function isAbout(path: string): boolean {
  return MODEL_ABOUT.test(path) || NAMED_TEMPLATE.test(path);
}

function requireConfig(paths: readonly string[], location: string): void {
  if (paths.some((path) => /^(adapter_)?config\.json$/.test(path))) return;
  const hasGguf = paths.some((path) => GGUF.test(path));
  throw new Error(
    `Cannot find config.json or adapter_config.json in ${location}: it has ${
      list(paths)
    }${hasGguf ? "; name a .gguf file, as in org/name:file.gguf" : ""}`,
  );
}

/**
 * The paths of a model's files if its only weights are those of ONNX graphs, in
 * the layout of transformers.js; null for other models.
 */
export function onnxFiles(paths: readonly string[]): string[] | null {
  const isOnnx = paths.some((path) => /\.onnx$/.test(path) && ONNX.test(path));
  if (!isOnnx || paths.some((path) => SAFETENSORS.test(path))) return null;
  return paths.filter((path) => isAbout(path) || ONNX.test(path))
    .sort();
}

/**
 * The one GGUF file that a part names by its path, or by the beginning of a
 * word in it, as `Q4_K_M` in `model-Q4_K_M.gguf`.
 *
 * @throws if there is none, or several.
 */
export function ggufFile(
  paths: readonly string[],
  location: string,
  { part }: { part: string },
): string {
  const all = paths.filter((path) => GGUF.test(path));
  const wanted = all.includes(part) ? [part] : withWord(all, part);
  const [file] = wanted;
  if (file === undefined) {
    throw new Error(
      `Cannot find "${part}" in ${location}: expected a .gguf file, it has ${
        list(all.length > 0 ? all : paths)
      }`,
    );
  }
  if (wanted.length === 1) return file;
  throw new Error(
    `Cannot tell which file of ${location} is "${part}": it has ${
      list(wanted)
    }`,
  );
}

/** The branch with the Hub's conversion to parquet. */
export const CONVERTED = "refs/convert/parquet";

/** The data set has no file that we read, or not the part. */
export class NoData extends Error {}

/**
 * The paths of a data set's files: JSON, JSON lines, CSV and TSV, plain, gzip
 * or zstd, and parquet.
 *
 * @param location names the repository or folder in errors.
 * @param options `part` is a split, folder or file by the beginning of a word of
 * its path, as `train` in `data/train-00000.jsonl`; null for everything.
 * @throws if there are none ({@linkcode NoData}), files of several splits and
 * no `part`, or one file in two containers.
 */
export function dataFiles(
  paths: readonly string[],
  location: string,
  { part, split }: { part: string | null; split?: string | undefined },
): string[] {
  const all = paths.filter((path) =>
    DATA_FILE.test(path) && !DATA_ABOUT.test(path)
  );
  if (all.length === 0 && paths.some((path) => path.endsWith(".arrow"))) {
    throw new NoData(
      `Cannot read data in ${location}: it has Arrow files, as save_to_disk() ` +
        "writes them; expected parquet or JSON, which to_parquet() and " +
        "to_json() write",
    );
  }
  if (all.length === 0) {
    throw new NoData(
      `Cannot find data in ${location}: expected .json, .jsonl, .ndjson, .csv ` +
        `or .tsv, plain, .gz or .zst, or .parquet; it has ${list(paths)}`,
    );
  }
  if (part === null) {
    return refuseTwins(oneSplit(all, { location, split }), location);
  }
  const wanted = partOf(all, { part, location });
  if (wanted.length > 0) {
    return refuseTwins(oneSplit(wanted, { location, split }), location);
  }
  throw new NoData(`Cannot find "${part}" in ${location}: it has ${list(all)}`);
}

/** The paths in which the part is whole words, else those in which it begins one. */
function partOf(
  paths: readonly string[],
  { part, location }: { part: string; location: string },
): string[] {
  const whole = new RegExp(
    `(?<![a-z0-9_-])${RegExp.escape(part)}(?![a-z0-9_])`,
    "i",
  );
  const exact = paths.filter((path) => whole.test(path));
  if (exact.length > 0) return exact;
  const begun = withWord(paths, part);
  const word = new RegExp(`(?<![a-z0-9])${RegExp.escape(part)}[a-z_]*`, "i");
  const words = new Set(
    begun.map((path) => word.exec(path)![0].replace(/_$/, "")),
  );
  if (words.size < 2) return begun;
  throw new Error(
    `Cannot tell which part of ${location} "${part}" is: it has ${
      [...words].join(", ")
    }`,
  );
}

/** The paths in which a part begins a word. */
function withWord(paths: readonly string[], part: string): string[] {
  const word = new RegExp(`(?<![a-z0-9])${RegExp.escape(part)}`, "i");
  return paths.filter((path) => word.test(path));
}

/** Refuses files that may hold equal rows, once as JSON and once as parquet. */
function refuseTwins(paths: string[], location: string): string[] {
  const endings = new Map<string, string>();
  for (const path of paths) {
    const [ending] = DATA_FILE.exec(path)!;
    const name = path.replace(/^.*\//, "").slice(0, -ending.length)
      .replace(/-\d+(-of-\d+)?$/, "");
    const other = endings.get(name) ?? ending;
    if (other !== ending) {
      throw new Error(
        `Cannot tell which files of ${location} to take: it has ${name}${other} ` +
          `and ${name}${ending}, which may be the same rows; name a file`,
      );
    }
    endings.set(name, ending);
  }
  return paths;
}

/**
 * The files of the only split, or of the one that serves where there are several.
 *
 * @throws if there are several: nobody should train on the test split by mistake.
 */
function oneSplit(
  paths: readonly string[],
  { location, split }: { location: string; split: string | undefined },
): string[] {
  const splits = new Map<string, string[]>();
  for (const path of paths) {
    const name = path.match(SPLIT)?.at(-1)?.toLowerCase() ?? "";
    splits.set(name, [...splits.get(name) ?? [], path]);
  }
  if (splits.size === 1) return paths.toSorted();
  const usual = split === undefined ? undefined : splits.get(split);
  if (usual) return usual.toSorted();
  const names = [...splits.keys()].filter((name) => name !== "");
  throw new Error(
    `Cannot tell which split of ${location} to take (${
      names.sort().join(", ")
    }` +
      `): it has ${list(paths)}; name a file, or a split as in org/name:train`,
  );
}

function list(paths: readonly string[]): string {
  if (paths.length === 0) return "no files";
  const more = paths.length > 6 ? ` and ${paths.length - 6} more` : "";
  return paths.toSorted().slice(0, 6).join(", ") + more;
}
