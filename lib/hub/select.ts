/**
 * Which files of a repository a model or a data set needs. Data, never code:
 * no `.py`, `.bin` or `.pt`.
 */

/** What lies beside a model's weights. */
const MODEL_ABOUT = new RegExp(
  "^((config|generation_config|special_tokens_map|adapter_config" +
    "|tokenizer[^/]*|chat_template)\\.json|chat_template\\.jinja)$",
);
/** `consolidated*.safetensors` hold the weights once more, in another layout. */
const SAFETENSORS = /^(?!consolidated)[^/]+\.safetensors(\.index\.json)?$/;
/** Graphs, and the weights beside them. */
const ONNX = /^onnx\/[^/]+\.onnx(_data(_\d+)?)?$/;
const GGUF = /\.gguf$/i;
const DATA_FILE = /\.(jsonl?|ndjson|csv|tsv|parquet(?!\.))(\.gz|\.zst)?$/i;
/** What lies beside the rows of a data set: descriptions, and hidden files. */
const DATA_ABOUT = /(^|\/)(dataset_infos?\.json$|README|\.)/;
/** The words that name a split by custom. */
const SPLIT =
  /(?<![a-z])(train(ing)?|val(id(ation)?)?|dev|test(ing)?|eval(uation)?)(?![a-z])/i;

/** Options for {@linkcode modelFiles}. */
export interface ModelFilesOptions {
  /** What of a model is needed; all that runs it unless given. */
  only?: "tokenizer" | undefined;
}

/**
 * The paths of a model's files: config, tokenizer, chat template, weights or
 * adapter.
 *
 * @param where what the paths are in, for errors.
 * @throws if the config or the weights are missing, or the tokenizer where
 * nothing else is needed.
 */
export function modelFiles(
  paths: readonly string[],
  where: string,
  { only }: ModelFilesOptions = {},
): string[] {
  const about = paths.filter((path) => MODEL_ABOUT.test(path)).sort();
  if (only === "tokenizer") {
    if (about.includes("tokenizer.json")) return about;
    throw new Error(
      `Cannot find tokenizer.json in ${where}: it has ${list(paths)}`,
    );
  }
  requireConfig(paths, where);
  const weights = paths.filter((path) => SAFETENSORS.test(path));
  if (weights.length > 0) return [...about, ...weights].sort();
  throw new Error(
    `Cannot find weights in ${where}: expected *.safetensors, it has ${
      list(paths)
    }`,
  );
}

function requireConfig(paths: readonly string[], where: string): void {
  if (paths.some((path) => /^(adapter_)?config\.json$/.test(path))) return;
  const hasGguf = paths.some((path) => GGUF.test(path));
  throw new Error(
    `Cannot find config.json or adapter_config.json in ${where}: it has ${
      list(paths)
    }${hasGguf ? "; name a .gguf file, as in org/name:file.gguf" : ""}`,
  );
}

/**
 * The paths of a model's files where its weights are those of ONNX graphs, in
 * the layout of transformers.js; null where it has none, or safetensors too.
 */
export function onnxFiles(paths: readonly string[]): string[] | null {
  const isOnnx = paths.some((path) => /\.onnx$/.test(path) && ONNX.test(path));
  if (!isOnnx || paths.some((path) => SAFETENSORS.test(path))) return null;
  return paths.filter((path) => MODEL_ABOUT.test(path) || ONNX.test(path))
    .sort();
}

/**
 * The one GGUF file that a part stands for: a path, or what begins a word of
 * just one, as `Q4_K_M` in `model-Q4_K_M.gguf`.
 *
 * @throws if there is none, or several.
 */
export function ggufFile(
  paths: readonly string[],
  where: string,
  { part }: { part: string },
): string {
  const all = paths.filter((path) => GGUF.test(path));
  const wanted = all.includes(part) ? [part] : beginning(all, part);
  const [found] = wanted;
  if (found === undefined) {
    throw new Error(
      `Cannot find "${part}" in ${where}: expected a .gguf file, it has ${
        list(all.length > 0 ? all : paths)
      }`,
    );
  }
  if (wanted.length === 1) return found;
  throw new Error(
    `Cannot tell which file of ${where} is "${part}": it has ${list(wanted)}`,
  );
}

/** Options for {@linkcode dataFiles}. */
export interface DataFilesOptions {
  /**
   * A split, folder or file by what begins a word of its path, as `train` in
   * `data/train-00000.jsonl`; null for everything.
   */
  part: string | null;
}

/** The branch of what the Hub has converted to parquet. */
export const CONVERTED = "refs/convert/parquet";

/** A data set without a file that is read, or without the part that is wanted. */
export class NoData extends Error {}

/**
 * The paths of a data set's files: JSON, JSON lines, CSV and TSV, plain, gzip
 * or zstd, and parquet.
 *
 * @param where what the paths are in, for errors.
 * @throws if there are none ({@linkcode NoData}), files of several splits and
 * no `part`, or one file in two containers.
 */
export function dataFiles(
  paths: readonly string[],
  where: string,
  { part }: DataFilesOptions,
): string[] {
  const all = paths.filter((path) =>
    DATA_FILE.test(path) && !DATA_ABOUT.test(path)
  );
  if (all.length === 0) {
    throw new NoData(
      `Cannot find data in ${where}: expected .json, .jsonl, .ndjson, .csv ` +
        `or .tsv, plain, .gz or .zst, or .parquet; it has ${list(paths)}`,
    );
  }
  if (part === null) return once(ofOneSplit(all, where), where);
  const wanted = partOf(all, { part, where });
  if (wanted.length > 0) return once(wanted.sort(), where);
  throw new NoData(`Cannot find "${part}" in ${where}: it has ${list(all)}`);
}

/** Paths in which the part is whole words, else those in which it begins one. */
function partOf(
  paths: readonly string[],
  { part, where }: { part: string; where: string },
): string[] {
  const whole = new RegExp(
    `(?<![a-z0-9_-])${RegExp.escape(part)}(?![a-z0-9_])`,
    "i",
  );
  const exact = paths.filter((path) => whole.test(path));
  if (exact.length > 0) return exact;
  const found = beginning(paths, part);
  const word = new RegExp(`(?<![a-z0-9])${RegExp.escape(part)}[a-z_]*`, "i");
  const words = new Set(
    found.map((path) => word.exec(path)![0].replace(/_$/, "")),
  );
  if (words.size < 2) return found;
  throw new Error(
    `Cannot tell which part of ${where} "${part}" is: it has ${
      [...words].join(", ")
    }`,
  );
}

/** Paths in which a part begins a word. */
function beginning(paths: readonly string[], part: string): string[] {
  const word = new RegExp(`(?<![a-z0-9])${RegExp.escape(part)}`, "i");
  return paths.filter((path) => word.test(path));
}

/** Refuses what may be the same rows, once as JSON and once as parquet. */
function once(paths: string[], where: string): string[] {
  const endings = new Map<string, string>();
  for (const path of paths) {
    const [ending] = DATA_FILE.exec(path)!;
    const name = path.replace(/^.*\//, "").slice(0, -ending.length)
      .replace(/-\d+(-of-\d+)?$/, "");
    const other = endings.get(name) ?? ending;
    if (other !== ending) {
      throw new Error(
        `Cannot tell which files of ${where} to take: it has ${name}${other} ` +
          `and ${name}${ending}, which may be the same rows; name a file`,
      );
    }
    endings.set(name, ending);
  }
  return paths;
}

/** Refuses to train on the test split because nobody named one. */
function ofOneSplit(paths: readonly string[], where: string): string[] {
  const splits = new Set(paths.map((path) => SPLIT.exec(path)?.[0]));
  if (splits.size === 1) return paths.toSorted();
  throw new Error(
    `Cannot tell which split of ${where} to take: it has ${list(paths)}; ` +
      `name a file, or a split as in org/name:train`,
  );
}

function list(paths: readonly string[]): string {
  if (paths.length === 0) return "no files";
  const more = paths.length > 6 ? ` and ${paths.length - 6} more` : "";
  return paths.toSorted().slice(0, 6).join(", ") + more;
}
