/** What the Hub reads of a card; what is not known is left out. */
export type FrontMatter = Readonly<
  Record<string, string | readonly string[] | null>
>;

/** The YAML block that a model card begins with. */
export function frontMatter(fields: FrontMatter): string {
  const lines = Object.entries(fields).flatMap(([name, value]) => {
    if (value === null || value.length === 0) return [];
    if (typeof value === "string") return `${name}: ${scalar(value)}`;
    return [`${name}:`, ...value.map((item) => `- ${scalar(item)}`)];
  });
  return ["---", ...lines, "---"].join("\n");
}

/** Words that YAML takes for something else than a text. */
const RESERVED = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A text: bare where that is clear, else as in JSON, which YAML reads too. */
function scalar(text: string): string {
  const isBare = /^[a-z][\w./-]*$/i.test(text) && !RESERVED.test(text);
  return isBare ? text : JSON.stringify(text);
}
