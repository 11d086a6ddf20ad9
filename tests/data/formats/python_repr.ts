/** Text as Python's `repr()` writes a value, on one line. */
export function repr(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
      .replaceAll("\t", "\\t").replaceAll("\r", "\\r")
      .replaceAll("\x07", "\\x07");
    return quote +
      (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
  }
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  const entries = Object.entries(Object(value));
  return `{${entries.map(([k, v]) => `${repr(k)}: ${repr(v)}`).join(", ")}}`;
}

/** Text as numpy writes an array of objects: lines, and no commas between them. */
export function numpyRepr(items: readonly unknown[]): string {
  return `[${items.map(repr).join("\n ")}]`;
}
