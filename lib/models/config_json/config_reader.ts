import { isObject, reasonOf } from "../../files/values.ts";
import { parseJson, readText } from "../../files/read_json.ts";

/** What the engine's indices count to. */
const MAX_COUNT = 2 ** 31 - 1;

/** Several times the layers, and the heads, of the largest models. */
const MAX_FEW = 1024;

/**
 * A JSON object from a file, read field by field. `null` counts as absent, as
 * it does in Hugging Face's files; a field that is missing or of another type
 * is an error that names file, field, value and what was expected.
 */
export class ConfigReader {
  readonly #prefix: string;

  constructor(
    readonly path: string,
    readonly values: Readonly<Record<string, unknown>>,
    prefix = "",
  ) {
    this.#prefix = prefix;
  }

  /** Whether the field is there and not `null`. */
  has(name: string): boolean {
    return (this.values[name] ?? null) !== null;
  }

  /** A text. */
  text(name: string, fallback?: string): string {
    const value = this.values[name] ?? fallback;
    if (typeof value === "string") return value;
    throw this.error(name, "a text");
  }

  /** A finite number above zero; JSON's 1e999 is not. */
  positive(name: string, fallback?: number): number {
    const value = this.values[name] ?? fallback;
    if (typeof value === "number" && value > 0 && value < Infinity) {
      return value;
    }
    throw this.error(name, "a number above 0");
  }

  /** A whole number above zero, as large as a size can be. */
  count(name: string, fallback?: number): number {
    const value = this.values[name] ?? fallback;
    if (isIndex(value) && value > 0 && value <= MAX_COUNT) return value;
    throw this.error(name, `a whole number above 0, at most ${MAX_COUNT}`);
  }

  /** The same of layers and heads: for each, something is made. */
  few(name: string): number {
    const value = this.count(name);
    if (value <= MAX_FEW) return value;
    throw this.error(name, `at most ${MAX_FEW}`);
  }

  /** True or false. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.values[name] ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.error(name, "true or false");
  }

  /** One token id, a list of them, or none: `null`, unlike absence. */
  tokenIds(name: string, fallback: readonly number[]): readonly number[] {
    const value = this.values[name];
    if (value === undefined) return fallback;
    const ids = Array.isArray(value) ? value : value === null ? [] : [value];
    if (ids.every(isIndex)) return ids;
    throw this.error(name, "a token id or a list of them");
  }

  /** A nested object, `null` where there is none. */
  object(name: string): ConfigReader | null {
    if (!this.has(name)) return null;
    const value = this.values[name];
    if (isObject(value)) return new ConfigReader(this.path, value, `${name}.`);
    throw this.error(name, "an object");
  }

  /** An error on a field: what is found, and what was expected. */
  error(name: string, expected: string): Error {
    const value = this.values[name];
    const found = value === undefined ? "missing" : quote(value);
    return new Error(
      `Cannot read ${this.path}: field "${this.#prefix}${name}" is ${found}, ` +
        `expected ${expected}`,
    );
  }
}

/**
 * Reads a JSON file that holds one object.
 *
 * @throws Error that names the file: it is not there, holds something else, is
 * too large, or leads out of its folder.
 */
export async function openConfig(path: string): Promise<ConfigReader> {
  let value: unknown;
  try {
    value = parseJson(await readText(path));
  } catch (cause) {
    throw new Error(`Cannot read JSON of ${path}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  if (isObject(value)) return new ConfigReader(path, value);
  throw new Error(`Cannot read ${path}: expected a JSON object`);
}

/** The same for a file that need not be there: `null` where it is not. */
export async function openOptionalConfig(
  path: string,
): Promise<ConfigReader | null> {
  try {
    return await openConfig(path);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    if (cause instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Writes a value as indented JSON. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value, null, 2) + "\n");
}

/** A value as JSON, cut where it is long, as errors show it. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Whether a value is a whole number of at least 0 that is exact. */
export function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
