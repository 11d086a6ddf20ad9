import { parseJson, readText } from "../../files/read_json.ts";
import { isObject, reasonOf } from "../../files/values.ts";
import { FieldReader, isIndex } from "../field_reader.ts";

/** Several times the layers, and the heads, of the largest models. */
const MAX_FEW = 1024;

/**
 * Reads a JSON object of a file, field by field. `null` counts as absent, as it
 * does in Hugging Face's files.
 */
export class ConfigReader extends FieldReader {
  constructor(
    path: string,
    readonly values: Readonly<Record<string, unknown>>,
    prefix = "",
  ) {
    super(path, prefix);
  }

  protected override get(name: string): unknown {
    return this.values[name];
  }

  /** A count of layers or heads, each of which takes memory and time. */
  few(name: string): number {
    const value = this.count(name);
    if (value <= MAX_FEW) return value;
    throw this.error(name, `at most ${MAX_FEW}`);
  }

  /** A count, or none: `null`, unlike absence. */
  countOrNone(name: string, fallback: number | null): number | null {
    if (this.values[name] === undefined) return fallback;
    return this.has(name) ? this.count(name) : null;
  }

  /** A number above zero, or none: `null`, unlike absence. */
  positiveOrNone(name: string, fallback: number | null): number | null {
    if (this.values[name] === undefined) return fallback;
    return this.has(name) ? this.positive(name) : null;
  }

  /** A list of so many numbers above zero. */
  positives(name: string, length: number): readonly number[] {
    const value = this.values[name];
    if (
      Array.isArray(value) && value.length === length &&
      value.every((x) => typeof x === "number" && x > 0)
    ) return value;
    throw this.error(name, `${length} numbers above 0`);
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
}

/**
 * Reads a JSON file that holds one object.
 *
 * @throws Error that names the file: missing, with something else in it, too
 * large, or leading out of its folder.
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

/** Reads a JSON file that may be missing; `null` without it. */
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
