import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseJson } from "../files/read_json.ts";
import { isObject, reasonOf } from "../files/values.ts";
import type { Flags, ParsedFlag, ValueOf } from "./flag.ts";
import type { Positional } from "./verb.ts";

/** Settings that stand in a file rather than on the command line. */
export interface SettingsFile {
  /** Its path, for errors. */
  readonly path: string;
  /** Values by the camelCase names of flags. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** The argument of a verb that takes its flags from a file, too. */
export const SETTINGS = {
  name: "settings",
  help:
    "file with the flags that are to be kept: .json, or .ts with a default " +
    "export; names as in code, such as maxLength for --max-length, lists as " +
    "lists, paths from the current folder; flags beside it come first",
  optional: true,
  endings: [".json", ".ts"],
} as const satisfies Positional;

/** The flag of other programs for such a file, as `Verb.elsewhere` has it. */
export const SETTINGS_ELSEWHERE = {
  config: "a file of settings, .json or .ts, is given without a flag",
} as const;

/**
 * Reads a `.json` file, or the default export of a `.ts` file. Paths in it are
 * relative to the current folder, as those of flags are.
 *
 * @throws Error where it is missing, broken or holds no object.
 */
export async function readSettings(path: string): Promise<SettingsFile> {
  const isJson = extname(path) === ".json";
  try {
    const values = isJson
      ? parseJson(await Deno.readTextFile(path))
      : (await import(pathToFileURL(resolve(path)).href)).default;
    if (isObject(values)) return { path, values };
    throw new TypeError(
      `expected an object of settings${isJson ? "" : " as its default export"}`,
    );
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** A value of JSON without parts. */
export type Simple = string | number | boolean;

/** A flag's value in a file: one of JSON, or in its notation. */
type InFile<F> = F extends Pick<ParsedFlag, "kind">
  ? ValueOf<F> | Simple | readonly Simple[]
  : ValueOf<F>;

/** Type of the settings in a file. */
export type SettingsIn<F extends Flags> = {
  readonly [K in keyof F]?: InFile<F[K]>;
};
