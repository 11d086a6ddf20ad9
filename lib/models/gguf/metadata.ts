import { isIndex, quote } from "../json_fields.ts";
import type { MetadataValue } from "./metadata_value.ts";

/**
 * The metadata of a GGUF file, read field by field. A field that is missing or
 * of another type is an error that names file, field, what is found and what
 * was expected.
 */
export class Metadata {
  readonly #prefix: string;

  constructor(
    readonly path: string,
    readonly values: ReadonlyMap<string, MetadataValue>,
    prefix = "",
  ) {
    this.#prefix = prefix;
  }

  /** The fields of which the keys begin so. */
  under(prefix: string): Metadata {
    return new Metadata(this.path, this.values, prefix);
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  text(key: string, fallback?: string): string {
    const value = this.#get(key) ?? fallback;
    if (typeof value === "string") return value;
    throw this.error(key, "a text");
  }

  /** A whole number above zero. */
  count(key: string, fallback?: number): number {
    const value = this.#get(key) ?? fallback;
    if (isIndex(value) && value > 0) return value;
    throw this.error(key, "a whole number above 0");
  }

  /** A finite number above zero. */
  positive(key: string, fallback?: number): number {
    const value = this.#get(key) ?? fallback;
    if (typeof value === "number" && value > 0 && value < Infinity) {
      return value;
    }
    throw this.error(key, "a number above 0");
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#get(key) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.error(key, "true or false");
  }

  /** The place of something in a list of so many; `null` without the field. */
  index(key: string, length: number): number | null {
    const value = this.#get(key) ?? null;
    if (value === null || isIndex(value) && value < length) return value;
    throw this.error(key, `a whole number below ${length}`);
  }

  texts(key: string): readonly string[] {
    const value = this.#get(key);
    if (Array.isArray(value)) return value;
    throw this.error(key, "a list of texts");
  }

  /** So many numbers; `null` without the field. */
  numbers(key: string, length: number): readonly number[] | null {
    const value = this.#get(key);
    if (value === undefined) return null;
    if (ArrayBuffer.isView(value) && value.length === length) {
      return Array.from(value, Number);
    }
    throw this.error(key, `a list of ${length} numbers`);
  }

  /**
   * @throws Error where the field is there and holds nothing of what is listed.
   */
  only(key: string, allowed: readonly MetadataValue[]): void {
    const value = this.#get(key);
    if (value === undefined || allowed.includes(value)) return;
    throw this.error(key, `${allowed.join(" or ")}, all that is supported`);
  }

  /** An error on a field: what is found, and what was expected. */
  error(key: string, expected: string): Error {
    return new Error(
      `Cannot read ${this.path}: field "${this.#prefix}${key}" is ${
        describe(this.#get(key))
      }, expected ${expected}`,
    );
  }

  #get(key: string): MetadataValue | undefined {
    return this.values.get(this.#prefix + key);
  }
}

function describe(value: MetadataValue | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "object") return `a list of ${value.length}`;
  return typeof value === "string" ? quote(value) : `${value}`;
}
