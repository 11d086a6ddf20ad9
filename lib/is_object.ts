/** Whether a value is an object with fields of its own, no list: JSON's object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
