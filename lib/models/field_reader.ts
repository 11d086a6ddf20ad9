/** The largest count that the engine's int32 indices reach. */
const MAX_COUNT = 2 ** 31 - 1;

/**
 * Reads named fields of a file. A field that is missing or of another type is
 * an error that names file, field, value and what was expected.
 */
export abstract class FieldReader {
  readonly #prefix: string;

  /** @param prefix begins the names of fields in errors. */
  constructor(readonly path: string, prefix: string) {
    this.#prefix = prefix;
  }

  /** The value of a field, `undefined` without it. */
  protected abstract get(name: string): unknown;

  /** Whether the field is there and not `null`. */
  has(name: string): boolean {
    return (this.get(name) ?? null) !== null;
  }

  /** A text. */
  text(name: string, fallback?: string): string {
    const value = this.get(name) ?? fallback;
    if (typeof value === "string") return value;
    throw this.error(name, "a text");
  }

  /** A finite number above zero; JSON's 1e999 is not. */
  positive(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value === "number" && value > 0 && value < Infinity) {
      return value;
    }
    throw this.error(name, "a number above 0");
  }

  /** A whole number above zero, as large as a size can be. */
  count(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (isIndex(value) && value > 0 && value <= MAX_COUNT) return value;
    throw this.error(name, `a whole number above 0, at most ${MAX_COUNT}`);
  }

  /** True or false. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.error(name, "true or false");
  }

  /** An error on a field: its value, and what was expected. */
  error(name: string, expected: string): Error {
    const value = this.get(name);
    const actual = value === undefined ? "missing" : this.describe(value);
    return new Error(
      `Cannot read ${this.path}: field "${this.#prefix}${name}" is ${actual}, ` +
        `expected ${expected}`,
    );
  }

  /** A value as errors show it. */
  protected describe(value: unknown): string {
    return quote(value);
  }
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
